-- Programs that know 019 may go on.
-- An alert holds as long as some process finds it: seen_at is when one last did.
alter table control_plane.alerts add column seen_at timestamptz(3) not null default clock_timestamp();

-- What is to be told by a channel and was not told yet, so that no outage and no death of a process swallows it. A row is written
-- in the transaction that makes or ends its alert and goes when it was told. claimed_until: a process is telling it until then.
-- refusals counts how often its channel was there and refused it.
create table control_plane.notices (
  id            bigint generated always as identity primary key,
  channel       text not null check (channel in ('chat', 'webhook')),
  alert_key     text,
  notice        jsonb not null check (jsonb_typeof(notice) = 'object'),
  tries         integer not null default 0 check (tries >= 0),
  refusals      integer not null default 0 check (refusals >= 0),
  created_at    timestamptz(3) not null default clock_timestamp(),
  next_try_at   timestamptz(3) not null default clock_timestamp(),
  claimed_until timestamptz(3)
);
