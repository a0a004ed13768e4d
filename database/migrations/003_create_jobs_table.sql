create table control_plane.jobs (
  id          uuid primary key default gen_random_uuid(),
  project_id  text references control_plane.projects (id),
  kind        text not null,
  state       text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
  progress    jsonb,
  error       text,
  created_at  timestamptz(3) not null default now(),
  started_at  timestamptz(3),
  finished_at timestamptz(3)
);

create index jobs_by_project on control_plane.jobs (project_id, created_at desc);
create index jobs_unfinished on control_plane.jobs (state, created_at) where state in ('queued', 'running');
