-- Programs that know 019 may go on.
-- Buckets: stores of objects for other backup programs (docs/doors.md). snapshot_limit_hours: a notice is sent when the newest snapshot
-- is older. replica: whether an answer waits for the second chat. undelete_ms: how long a deleted object can be brought back.
-- next_sequence: of the next pack. live_objects and live_bytes are counted by a trigger. purged_up_to: the greatest sequence of a
-- version that is gone for good; no pack with a smaller one is sent any more, since it could not be told from a later one.
-- purged_through: the latest deletion among those versions; the bucket cannot be taken back to a time before.
-- A removed bucket stays until its messages are gone (emptied_at). removal_indexed_at: since when no chat's index has it.
create table control_plane.object_buckets (
  id                   uuid primary key default gen_random_uuid(),
  name                 text not null check (name ~ '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'),
  kind                 text not null check (kind in ('restic', 's3')),
  project_id           text not null references control_plane.projects (id),
  undelete_ms          bigint not null default 604800000 check (undelete_ms >= 0),
  replica              text not null default 'later' check (replica in ('wait', 'later')),
  max_bytes            bigint check (max_bytes >= 1),
  snapshot_limit_hours integer check (snapshot_limit_hours >= 1),
  next_sequence        bigint not null default 1 check (next_sequence >= 1),
  purged_up_to         bigint not null default 0,
  purged_through       timestamptz(3),
  live_objects         bigint not null default 0 check (live_objects >= 0),
  live_bytes           bigint not null default 0 check (live_bytes >= 0),
  created_at           timestamptz(3) not null default clock_timestamp(),
  last_snapshot_at     timestamptz(3),
  removed_at           timestamptz(3),
  removal_indexed_at   timestamptz(3),
  emptied_at           timestamptz(3)
);
create unique index object_buckets_by_name on control_plane.object_buckets (name) where removed_at is null;

-- Objects that need several packs, while they are stored: id is that of the version to come. writer: the subject of the lease of the
-- process that stores it.
create table control_plane.object_uploads (
  id         uuid primary key,
  bucket_id  uuid not null references control_plane.object_buckets (id),
  key        text not null collate "C" check (key <> '' and octet_length(key) <= 1024),
  writer     uuid not null,
  created_at timestamptz(3) not null default clock_timestamp()
);
create index object_uploads_by_bucket on control_plane.object_uploads (bucket_id);

-- A checkpoint is the table of objects as one or more packs of its own, as it was at created_at. The newest proven one of a bucket is
-- sent; older ones, and those that were given up, are replaced. covers_up_to and covers_not: the sequences whose records it
-- holds: all up to covers_up_to but those in covers_not. indexed_at: since when the index of every chat names it.
create table control_plane.object_checkpoints (
  id           uuid primary key,
  bucket_id    uuid not null references control_plane.object_buckets (id),
  state        text not null default 'intended' check (state in ('intended', 'sent', 'replaced')),
  covers_up_to bigint not null check (covers_up_to >= 0),
  covers_not   bigint[] not null default '{}',
  part_count   integer check (part_count >= 1),
  created_at   timestamptz(3) not null default clock_timestamp(),
  sent_at      timestamptz(3),
  indexed_at   timestamptz(3)
);
create unique index object_checkpoints_in_use on control_plane.object_checkpoints (bucket_id) where state = 'sent';
create index object_checkpoints_by_bucket on control_plane.object_checkpoints (bucket_id, created_at);

-- One row per pack, written before it is sent. A pack of a checkpoint holds a part of it; all others hold objects and records.
-- writer: the subject of the lease of the process that sends it. plain_size: bytes of its objects, before compression. size, sha256: of
-- the document as sent. upload_id: the version that it holds a fragment of. has_records: it tells of objects that are stored or
-- deleted; such a pack is erased only when a checkpoint tells the same. named_by: a pack whose header names this one.
create table control_plane.packs (
  id            uuid primary key,
  bucket_id     uuid not null references control_plane.object_buckets (id),
  sequence      bigint not null check (sequence >= 1),
  state         text not null default 'intended' check (state in ('intended', 'sent', 'erasing', 'erased')),
  checkpoint_id uuid references control_plane.object_checkpoints (id),
  part_no       integer check (part_no >= 1),
  upload_id     uuid,
  writer        uuid not null,
  file_name     text not null,
  plain_size    bigint not null check (plain_size >= 0),
  size          bigint not null check (size >= 1),
  sha256        text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  encrypted     boolean not null,
  has_records   boolean not null,
  named_by      uuid references control_plane.packs (id),
  damaged_at    timestamptz(3),
  verified_at   timestamptz(3),
  intended_at   timestamptz(3) not null default clock_timestamp(),
  sent_at       timestamptz(3),
  erased_at     timestamptz(3),
  unique (bucket_id, sequence),
  constraint packs_of_checkpoints_are_numbered check ((checkpoint_id is null) = (part_no is null))
);
create index packs_by_state on control_plane.packs (bucket_id, state, sequence);
create index packs_by_checkpoint on control_plane.packs (checkpoint_id) where checkpoint_id is not null;
create index packs_damaged on control_plane.packs (bucket_id) where damaged_at is not null;
create index packs_by_upload on control_plane.packs (upload_id) where upload_id is not null;
create index packs_by_name on control_plane.packs (named_by) where named_by is not null;

-- Where a pack is: its message in each chat, with the states of backup_parts. sent_at: by Telegram; proven_at: by the catalog.
create table control_plane.pack_messages (
  pack_id        uuid not null references control_plane.packs (id),
  chat_id        text not null,
  state          text not null default 'intended'
                 check (state in ('intended', 'sent', 'missing', 'damaged', 'tombstone', 'erased')),
  bot_id         text,
  message_id     bigint check (message_id >= 1),
  file_id        text,
  file_unique_id text,
  error          text,
  intended_at    timestamptz(3) not null default clock_timestamp(),
  sent_at        timestamptz(3),
  proven_at      timestamptz(3),
  erased_at      timestamptz(3),
  primary key (pack_id, chat_id),
  constraint sent_packs_can_be_found check (state <> 'sent' or message_id is not null)
);
create index pack_messages_by_message on control_plane.pack_messages (chat_id, message_id);

-- Versions of objects. key: in the order of its bytes. An intended one becomes live in the transaction that proves its pack. content:
-- of small objects that are read often, and of those that are in no chat (in_chat false: locks). A deleted one stays until
-- undelete_ms have passed; deleted_in: the pack that tells the chat of it. Of two versions of a key the one with the greater sequence and
-- place is the later one: those of its record. moves: the version whose bytes it moves to another pack; it takes over the sequence,
-- place and state of that version, whose row goes.
-- Two indexes include the size: a list, and the sum of what was deleted, then read the index alone.
create table control_plane.objects (
  id         uuid primary key,
  bucket_id  uuid not null references control_plane.object_buckets (id),
  key        text not null collate "C" check (key <> '' and octet_length(key) <= 1024),
  state      text not null default 'intended' check (state in ('intended', 'live', 'deleted')),
  size       bigint not null check (size >= 0),
  sha256     text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  etag       text,
  meta       jsonb,
  in_chat    boolean not null default true,
  content    bytea,
  pack_id    uuid references control_plane.packs (id),
  sequence   bigint not null default 0,
  place      integer not null default 0,
  stored_at  timestamptz(3) not null default clock_timestamp(),
  deleted_at timestamptz(3),
  deleted_in uuid references control_plane.packs (id),
  moves      uuid,
  constraint objects_are_somewhere check (in_chat = (pack_id is not null) and (in_chat or content is not null)),
  constraint deleted_objects_have_a_time check ((state = 'deleted') = (deleted_at is not null))
);
create unique index objects_by_key on control_plane.objects (bucket_id, key) include (size) where state = 'live';
create index objects_by_versions on control_plane.objects (bucket_id, key, sequence, place);
create index objects_by_deletion on control_plane.objects (bucket_id, deleted_at) include (size) where state = 'deleted';
create index objects_untold on control_plane.objects (bucket_id, deleted_at) where state = 'deleted' and deleted_in is null;
create index objects_intended on control_plane.objects (bucket_id) where state = 'intended';
create index objects_moved on control_plane.objects (moves) where moves is not null;
create index objects_with_content on control_plane.objects (bucket_id, in_chat) where content is not null;
create index objects_by_pack on control_plane.objects (pack_id);
create index objects_by_deleting_pack on control_plane.objects (deleted_in) where deleted_in is not null;

-- Whatever changes objects changes these sums, in the same statement.
create function control_plane.count_live_objects() returns trigger language plpgsql set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    update control_plane.object_buckets bucket
       set live_objects = live_objects + change.objects, live_bytes = live_bytes + change.bytes
      from (select bucket_id, count(*) as objects, sum(size) as bytes from new_objects where state = 'live' group by bucket_id) change
     where bucket.id = change.bucket_id;
  elsif tg_op = 'DELETE' then
    update control_plane.object_buckets bucket
       set live_objects = live_objects - change.objects, live_bytes = live_bytes - change.bytes
      from (select bucket_id, count(*) as objects, sum(size) as bytes from old_objects where state = 'live' group by bucket_id) change
     where bucket.id = change.bucket_id;
  else
    update control_plane.object_buckets bucket
       set live_objects = live_objects + change.objects, live_bytes = live_bytes + change.bytes
      from (select bucket_id, sum(objects) as objects, sum(bytes) as bytes
              from (select bucket_id, 1 as objects, size as bytes from new_objects where state = 'live'
                     union all
                    select bucket_id, -1, -size from old_objects where state = 'live') both_sides
             group by bucket_id having sum(objects) <> 0 or sum(bytes) <> 0) change
     where bucket.id = change.bucket_id;
  end if;
  return null;
end
$$;
create trigger new_objects_are_counted after insert on control_plane.objects
  referencing new table as new_objects for each statement execute function control_plane.count_live_objects();
create trigger changed_objects_are_counted after update on control_plane.objects
  referencing old table as old_objects new table as new_objects
  for each statement execute function control_plane.count_live_objects();
create trigger removed_objects_are_counted after delete on control_plane.objects
  referencing old table as old_objects for each statement execute function control_plane.count_live_objects();

-- Where the bytes of an object are: one after the other, in the plain bytes of packs.
create table control_plane.extents (
  object_id   uuid not null references control_plane.objects (id) on delete cascade,
  no          integer not null check (no >= 1),
  pack_id     uuid not null references control_plane.packs (id),
  pack_offset bigint not null check (pack_offset >= 0),
  length      bigint not null check (length >= 1),
  primary key (object_id, no)
);
create index extents_by_pack on control_plane.extents (pack_id);

-- Keys of the doors, for one bucket each. Only the SHA-256 of a key is kept: a key has 256 random bits. user_name is what the client
-- gives beside it.
create table control_plane.door_keys (
  id           uuid primary key default gen_random_uuid(),
  bucket_id    uuid not null references control_plane.object_buckets (id),
  user_name    text not null unique check (user_name <> ''),
  name         text not null check (name <> ''),
  scope        text not null check (scope in ('read', 'append', 'full')),
  key_hash     bytea not null unique check (length(key_hash) = 32),
  created_at   timestamptz(3) not null default clock_timestamp(),
  expires_at   timestamptz(3),
  last_used_at timestamptz(3),
  revoked_at   timestamptz(3)
);
create index door_keys_by_bucket on control_plane.door_keys (bucket_id, created_at);

alter table control_plane.open_sends
  add column pack_id uuid references control_plane.packs (id),
  drop constraint open_sends_purpose_check,
  add constraint open_sends_purpose_check
    check (purpose in ('part', 'manifest', 'index', 'copy', 'evidence', 'pack', 'checkpoint')),
  add constraint packs_can_be_recognised check (purpose not in ('pack', 'checkpoint') or
    (pack_id is not null and sha256 is not null and size is not null and file_name is not null));
create index open_sends_by_pack on control_plane.open_sends (pack_id) where pack_id is not null;

-- objects: who stores packs, or tends a bucket.
alter table control_plane.leases drop constraint leases_purpose_check;
alter table control_plane.leases add constraint leases_purpose_check
  check (purpose in ('send', 'erase', 'restore', 'reconcile', 'recover', 'verify', 'job', 'hooks', 'objects'));

-- What the index of the chat names of buckets: newest checkpoints, and buckets that were removed.
alter table control_plane.chats add column index_names uuid[] not null default '{}';
