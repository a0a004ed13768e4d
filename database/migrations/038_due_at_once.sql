-- Programs that know 019 may go on.
-- Times are whole milliseconds, and a clock's reading is rounded to the nearest one: half of what is due at once was due
-- up to half a millisecond later, and who looked before that did not find it.
alter table control_plane.jobs
  alter column run_after set default date_trunc('milliseconds', now());
alter table control_plane.remnants
  alter column next_try_at set default date_trunc('milliseconds', now());
alter table control_plane.notices
  alter column next_try_at set default date_trunc('milliseconds', clock_timestamp());
