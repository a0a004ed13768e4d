-- Programs that know 019 may go on.
-- What the configuration file of each serve says of its sources and targets, as far as others may know it: kinds, projects,
-- limits; never a place or a secret. edition: a hash of all that the row says, by which a sign of life need not write it again.
-- kept_for: how long the row stays after the last sign; longer than the limits of its sources, or nobody would notice that the
-- machine that backs them up is gone.
alter table control_plane.services
  add column edition          text,
  add column declared_sources jsonb not null default '[]' check (jsonb_typeof(declared_sources) = 'array'),
  add column declared_targets jsonb not null default '[]' check (jsonb_typeof(declared_targets) = 'array'),
  add column kept_for         interval not null default interval '1 day' check (kept_for >= interval '1 day');

-- The last check of a source, by its name: one row for each. message and hint are for people and may name servers.
create table control_plane.source_checks (
  source     text primary key,
  project_id text not null,
  state      text not null check (state in ('ok', 'warning', 'failed')),
  message    text not null,
  hint       text,
  actor      text not null,
  checked_at timestamptz(3) not null default clock_timestamp()
);
