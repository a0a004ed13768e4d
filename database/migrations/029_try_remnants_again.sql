-- Programs that know 019 may go on.
-- A remnant is tried again, less and less often: rights may be given, and what could not be deleted then be. One that may be
-- somebody else's is known and stays as it is: a recovery tells a lost copy of the program's from no copy that a person has made.
alter table control_plane.remnants
  add column is_unsure   boolean not null default false,
  add column tries       integer not null default 0 check (tries >= 0),
  add column next_try_at timestamptz(3) not null default now();
