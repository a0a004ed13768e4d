-- Programs that know 019 may go on.
-- A request for what waits already is given the job that waits, and its idempotency key names that job from then on. The key of
-- the request that made the job stands in the job's own row, where releases before this one look for it.
create table control_plane.further_idempotency_keys (
  api_key_id      uuid not null,
  idempotency_key text not null,
  job_id          uuid not null references control_plane.jobs (id) on delete cascade,
  primary key (api_key_id, idempotency_key)
);
create index further_idempotency_keys_by_job on control_plane.further_idempotency_keys (job_id);
