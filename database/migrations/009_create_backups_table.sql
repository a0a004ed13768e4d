-- One row per backup, written before its first message is sent. Sizes are bytes: size before compression,
-- archive_size as sent. Chat ids are text, because a chat may also be an @name; hashes are SHA-256 in hex.
-- Times have the milliseconds that a JavaScript Date can hold, so that a time read here finds its row again.
create table control_plane.backups (
  id             uuid primary key default gen_random_uuid(),
  project_id     text not null references control_plane.projects (id),
  type           text not null check (type in ('database', 'storage', 'logs')),
  file_id        text,
  size           bigint not null default 0 check (size >= 0),
  created_at     timestamptz(3) not null default now(),
  expires_at     timestamptz(3) not null,
  restore_count  integer not null default 0 check (restore_count >= 0),
  state          text not null default 'sending' check (state in ('sending', 'complete', 'failed', 'erasing', 'erased')),
  filename       text,
  caption        text,
  chat_id        text,
  bot_id         text,
  encrypted      boolean,
  archive_size   bigint check (archive_size >= 0),
  plain_sha256   text check (plain_sha256 ~ '^[0-9a-f]{64}$'),
  archive_sha256 text check (archive_sha256 ~ '^[0-9a-f]{64}$'),
  part_count     integer check (part_count >= 1),
  source         jsonb check (jsonb_typeof(source) = 'object'),
  error          text,
  scheduled_for  timestamptz(3),
  damaged_at     timestamptz(3),
  completed_at   timestamptz(3),
  constraint complete_backups_can_be_fetched
    check (state <> 'complete' or (file_id is not null and completed_at is not null))
);

create index backups_by_project on control_plane.backups (project_id, created_at desc, id);
create index backups_by_type_and_date on control_plane.backups (type, created_at desc, id);
create index backups_by_date on control_plane.backups (created_at desc, id);
create index backups_by_expiry on control_plane.backups (expires_at) where state = 'complete';
create index backups_unsettled on control_plane.backups (state) where state in ('sending', 'erasing');

-- A column default cannot look at another column. 720 hours are 30 days in every time zone.
create function control_plane.default_expiry() returns trigger language plpgsql as $$
begin
  new.expires_at := coalesce(new.expires_at, new.created_at + interval '720 hours');
  return new;
end
$$;

create trigger backups_default_expiry before insert on control_plane.backups
  for each row execute function control_plane.default_expiry();
