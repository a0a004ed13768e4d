-- Programs that know 019 may go on.
-- Counts the changes of a job, so that whoever watches one can tell what it has seen already, whichever process it asks.
alter table control_plane.jobs add column version bigint not null default 1;

create function control_plane.count_job_change() returns trigger language plpgsql as $$
begin
  new.version := old.version + 1;
  return new;
end
$$;

create trigger jobs_count_changes before update on control_plane.jobs
  for each row execute function control_plane.count_job_change();
