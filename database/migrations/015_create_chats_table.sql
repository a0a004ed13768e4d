-- What is known of a chat besides the messages of its backups. newest_message_id is the newest id the catalog has heard of:
-- whatever is sent from now on has a greater one. The index is the pinned document; index_edition is the drawing that is
-- in the chat, index_next_edition one that was about to be written and may be there instead.
create table control_plane.chats (
  chat_id              text primary key,
  title                text,
  newest_message_id    bigint not null default 0 check (newest_message_id >= 0),
  moved_to             text,
  index_message_id     bigint check (index_message_id >= 1),
  index_file_id        text,
  index_bot_id         text,
  index_sha256         text check (index_sha256 ~ '^[0-9a-f]{64}$'),
  index_edition        text,
  index_content_sha256 text check (index_content_sha256 ~ '^[0-9a-f]{64}$'),
  index_next_edition   text,
  constraint known_indexes_are_known_wholly check (index_message_id is null or
    (index_file_id is not null and index_bot_id is not null and index_sha256 is not null
     and index_edition is not null and index_content_sha256 is not null)),
  constraint chats_move_elsewhere check (moved_to <> chat_id)
);

insert into control_plane.chats (chat_id, newest_message_id)
select chat_id, coalesce(max(message_id), 0) from control_plane.backup_parts group by chat_id;
