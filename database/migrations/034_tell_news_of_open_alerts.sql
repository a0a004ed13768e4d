-- Programs that know 019 may go on.
-- What an open alert is about may grow: newest_at is how new the newest was that was told, where that is known, and raised_at when
-- something was last told that way.
alter table control_plane.alerts add column newest_at timestamptz(3);
alter table control_plane.alerts add column raised_at timestamptz(3) not null default clock_timestamp();

-- By which a receiver tells a notice that comes twice from two notices: the same at each try.
alter table control_plane.notices add column delivery_id uuid not null default gen_random_uuid();
