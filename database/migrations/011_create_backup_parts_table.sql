-- One row per Telegram message, written before the message is sent (state intended). Sizes and offsets are
-- bytes; part_no counts from 1, and a manifest has 0.
create table control_plane.backup_parts (
  backup_id      uuid not null references control_plane.backups (id),
  chat_id        text not null,
  kind           text not null check (kind in ('part', 'manifest')),
  part_no        integer not null,
  bot_id         text,
  message_id     bigint,
  file_id        text,
  file_unique_id text,
  file_name      text not null,
  size           bigint not null check (size >= 0),
  sha256         text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  plain_offset   bigint check (plain_offset >= 0),
  plain_size     bigint check (plain_size >= 0),
  state          text not null default 'intended'
                 check (state in ('intended', 'sent', 'missing', 'damaged', 'tombstone', 'erased')),
  error          text,
  intended_at    timestamptz(3) not null default now(),
  sent_at        timestamptz(3),
  erased_at      timestamptz(3),
  primary key (backup_id, chat_id, kind, part_no),
  constraint parts_count_from_one check ((kind = 'part' and part_no >= 1) or (kind = 'manifest' and part_no = 0)),
  constraint sent_parts_can_be_found check (state <> 'sent' or (message_id is not null and file_id is not null))
);

create index backup_parts_by_message on control_plane.backup_parts (chat_id, message_id);
