-- Programs that know 019 may go on.
-- Which backups somebody was told about before they are erased, and since when. kind: they are to go, or a person's word is wanted.
-- A row goes when its backup does, or is kept after all.
create table control_plane.retention_notices (
  backup_id uuid not null references control_plane.backups (id),
  kind      text not null check (kind in ('erase', 'word')),
  told_at   timestamptz(3) not null default clock_timestamp(),
  primary key (backup_id, kind)
);
