-- What happened to a backup, when, by whom. Append-only: the database itself refuses anything but INSERT.
create table control_plane.backup_history (
  id        bigserial primary key,
  backup_id uuid not null references control_plane.backups (id),
  event     text not null check (event <> ''),
  details   jsonb not null default '{}' check (jsonb_typeof(details) = 'object'),
  actor     text not null,
  at        timestamptz(3) not null default clock_timestamp()
);

create index backup_history_by_backup on control_plane.backup_history (backup_id, id);

create function control_plane.refuse_history_change() returns trigger language plpgsql as $$
begin
  raise exception 'backup_history is append-only: % refused', tg_op
    using errcode = 'integrity_constraint_violation', hint = 'Record a new event instead.';
end
$$;

create trigger backup_history_is_append_only
  before update or delete or truncate on control_plane.backup_history
  for each statement execute function control_plane.refuse_history_change();

-- ALWAYS: also for a session that has set session_replication_role to replica, as copying tools do.
alter table control_plane.backup_history enable always trigger backup_history_is_append_only;
