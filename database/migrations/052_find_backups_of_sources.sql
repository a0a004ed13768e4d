-- Programs that know 019 may go on.
-- The newest backups of each source are asked for every few seconds: complete ones, and those that failed. Backups that were sent
-- without a source are found by the same terms.
create index complete_backups_by_source
  on control_plane.backups (project_id, type, coalesce(source_name, ''), created_at desc, id desc) where state = 'complete';
create index incomplete_backups_by_source
  on control_plane.backups (project_id, type, coalesce(source_name, ''), created_at desc, id desc) where completed_at is null;
create index failed_backup_jobs_by_source
  on control_plane.jobs (project_id, source, created_at desc) where kind = 'backup' and state = 'failed';
