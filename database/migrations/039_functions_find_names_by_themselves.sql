-- Programs that know 019 may go on.
-- Programs of before call these with a search_path in which other roles of the database may have put functions and operators.

alter function control_plane.default_expiry() set search_path = '';
alter function control_plane.refuse_history_change() set search_path = '';
alter function control_plane.refuse_erasers_of_before() set search_path = '';
alter function control_plane.count_job_change() set search_path = '';
