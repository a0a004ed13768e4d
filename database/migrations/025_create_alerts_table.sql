-- Programs that know 019 may go on.
-- What is wrong now, so that one of several processes tells of it, once. A row goes when it is right again. told_at: when somebody
-- was told.
create table control_plane.alerts (
  key     text primary key check (key <> ''),
  kind    text not null,
  details jsonb not null default '{}' check (jsonb_typeof(details) = 'object'),
  since   timestamptz(3) not null default clock_timestamp(),
  told_at timestamptz(3)
);
