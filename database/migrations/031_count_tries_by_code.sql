-- Programs that know 019 may go on.
-- How often a job has failed, by the code of the error: what one thing has used up, another does not lack. INTERRUPTED counts the
-- processes that died over it.
alter table control_plane.jobs
  add column tries jsonb not null default '{}' check (jsonb_typeof(tries) = 'object');
