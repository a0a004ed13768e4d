-- Programs that know 019 may go on.
-- Deleting an old job looks for the verifications that name it, which without this means reading all of them, once for each job.
create index verifications_by_job on control_plane.verifications (job_id) where job_id is not null;
