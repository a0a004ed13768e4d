-- Messages of ours that no backup and no index needs any more, and that are still in their chat: an index that another
-- message has replaced, a message that was there twice. Each is removed by whoever comes next; where it cannot be deleted,
-- it stays known. A tombstone stays for good.
create table control_plane.remnants (
  chat_id      text not null,
  message_id   bigint not null check (message_id >= 1),
  is_tombstone boolean not null default false,
  primary key (chat_id, message_id)
);
