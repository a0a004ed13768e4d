-- Calls that may have made a message whose id nobody knows yet, each written before the call. A row goes when the message is
-- proven, when it is certain that there is none, or when it was looked for long enough. after_message_id: every message up
-- to this id is older than the call or has been looked at.
create table control_plane.open_sends (
  id                uuid primary key default gen_random_uuid(),
  chat_id           text not null,
  bot_id            text,
  purpose           text not null check (purpose in ('part', 'manifest', 'index', 'copy')),
  backup_id         uuid references control_plane.backups (id),
  part_no           integer,
  source_message_id bigint,
  sha256            text,
  size              bigint,
  file_name         text,
  plain_offset      bigint,
  plain_size        bigint,
  after_message_id  bigint not null check (after_message_id >= 0),
  begun_at          timestamptz(3) not null default clock_timestamp(),
  constraint parts_and_manifests_can_be_recognised check (purpose not in ('part', 'manifest') or
    (backup_id is not null and part_no is not null and sha256 is not null and size is not null and file_name is not null)),
  constraint copies_have_an_original check (purpose <> 'copy' or source_message_id is not null)
);

create index open_sends_by_chat on control_plane.open_sends (chat_id, begun_at);
create index open_sends_by_backup on control_plane.open_sends (backup_id, part_no);
