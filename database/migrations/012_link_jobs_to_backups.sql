-- Jobs are older than backups, so the reference comes afterwards. Null until the job has made its backup.
alter table control_plane.jobs add column backup_id uuid references control_plane.backups (id);
create index jobs_by_backup on control_plane.jobs (backup_id);
