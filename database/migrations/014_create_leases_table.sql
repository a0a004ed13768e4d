-- Who works on a backup or a restore now. A lease that has expired, or whose holder is known to be gone, may be taken
-- over: then its token changes, and the former holder's writes are refused. host names a running machine and its pid
-- namespace, started the start of the process in it; both are null where the system does not tell.
create table control_plane.leases (
  subject    uuid primary key,
  purpose    text not null check (purpose in ('send', 'erase', 'restore', 'reconcile', 'recover')),
  token      uuid not null,
  host       text,
  pid        integer not null,
  started    text,
  hostname   text not null,
  taken_at   timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz(3) not null
);
