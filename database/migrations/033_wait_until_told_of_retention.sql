-- Programs that know 019 may go on.
-- Which notice tells of it. While that one waits in notices, nobody was told; null where none is sent.
alter table control_plane.retention_notices add column notice_id bigint;
create index retention_notices_by_notice on control_plane.retention_notices (notice_id) where notice_id is not null;
