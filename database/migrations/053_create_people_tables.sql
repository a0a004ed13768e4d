-- Programs that know 019 may go on.
-- People who sign in to the page. name_key: the name in lower case, by which it is unique among people who were not removed.
-- password_hash: argon2id with its parameters (PHC form), null until a password is set. A person who is bound to a project sees nothing
-- of the others. A removed person stays, for the audit.
create table control_plane.people (
  id            uuid primary key default gen_random_uuid(),
  name          text not null check (name <> ''),
  name_key      text not null check (name_key <> ''),
  role          text not null check (role in ('viewer', 'operator', 'restorer', 'admin')),
  project_id    text,
  password_hash text check (password_hash like '$argon2id$%'),
  created_at    timestamptz(3) not null default clock_timestamp(),
  removed_at    timestamptz(3)
);
create unique index people_by_name on control_plane.people (name_key) where removed_at is null;

-- Links that sign a person in, once. Only the SHA-256 of a link's 256 random bits is kept.
create table control_plane.sign_in_links (
  link_hash  bytea primary key check (length(link_hash) = 32),
  person_id  uuid not null references control_plane.people on delete cascade,
  created_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz(3) not null,
  used_at    timestamptz(3)
);
create index sign_in_links_by_person on control_plane.sign_in_links (person_id);

-- Sessions of browsers, found by the SHA-256 of what the cookie holds. expires_at is the latest end; a session that is not used ends
-- earlier. factors: what the person proved who they are with, the last time at factor_at.
create table control_plane.sessions (
  id           uuid primary key default gen_random_uuid(),
  session_hash bytea not null unique check (length(session_hash) = 32),
  person_id    uuid not null references control_plane.people on delete cascade,
  factors      text[] not null check (cardinality(factors) >= 1),
  factor_at    timestamptz(3) not null default clock_timestamp(),
  user_agent   text,
  address      text,
  created_at   timestamptz(3) not null default clock_timestamp(),
  last_used_at timestamptz(3) not null default clock_timestamp(),
  expires_at   timestamptz(3) not null,
  revoked_at   timestamptz(3)
);
create index sessions_by_person on control_plane.sessions (person_id, created_at);

comment on column control_plane.jobs.api_key_id is 'Who asked for it: the id of an API key, or of a person.';

-- Where the page of a service is.
alter table control_plane.services add column url text;
