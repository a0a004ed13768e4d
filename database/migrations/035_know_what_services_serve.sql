-- Programs that know 019 may go on.
-- Of which sources and restore targets each serve does jobs, so that a job that nobody can do is told from one that waits for its turn.
-- A row is renewed while its serve runs, and stays for a day after it: its machine may come back. host, pid, started as in leases.
create table control_plane.services (
  id       uuid primary key,
  host     text,
  pid      integer not null,
  started  text,
  hostname text not null,
  sources  text[] not null,
  targets  text[] not null,
  seen_at  timestamptz(3) not null default clock_timestamp()
);
