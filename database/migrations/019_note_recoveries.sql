-- While a catalog is being rebuilt from a chat it must not be worked with: it would draw an index of what it knows so far.
alter table control_plane.catalog add column recovering boolean not null default false;

-- How far the facts of a backup that came from a chat can be believed: 0 captions, 1 a signature nobody vouched for, 2 a
-- signature that was named. Null for a backup that this catalog made itself. Better facts replace worse ones.
alter table control_plane.backups add column recovered_trust smallint check (recovered_trust between 0 and 2);
