-- Programs that know 019 may go on.
-- depth: what a drill has shown of the restored data. report: its whole result, see docs/verification.md.
alter table control_plane.verifications
  add column depth  text check (depth in ('restored', 'counts', 'dump', 'contents')),
  add column report jsonb check (jsonb_typeof(report) = 'object');
