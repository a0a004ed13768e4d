-- A project id becomes part of file names and of paths, so it can never climb out of a folder.
create table control_plane.projects (
  id         text primary key check (id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' and position('..' in id) = 0),
  created_at timestamptz(3) not null default now()
);
