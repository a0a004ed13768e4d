-- Programs that know 019 may go on.
-- undeleting_to: the moment to which the bucket is being taken back. Until that has ended, nothing else is stored in it or deleted, nothing
-- is purged, and no message is erased. undeleted_at: since when it is as it was then; from then on no index of a chat is to name the undelete,
-- and it ends when none does.
alter table control_plane.object_buckets
  add column undeleting_to timestamptz(3),
  add column undeleted_at  timestamptz(3),
  add constraint undeletes_have_a_moment check (undeleted_at is null or undeleting_to is not null);
