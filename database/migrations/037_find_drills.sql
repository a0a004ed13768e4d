-- Programs that know 019 may go on.
-- Of each source it is asked every few seconds when it was last drilled, and drills are few among the verifications.
create index verifications_of_drills on control_plane.verifications (backup_id) where kind = 'drill';
