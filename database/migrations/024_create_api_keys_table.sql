-- Programs that know 019 may go on.
-- Keys of the HTTP API. Only the SHA-256 of a key is kept: a key has 256 random bits, so that nothing slower is needed.
-- A key that is bound to a project sees nothing of the others.
create table control_plane.api_keys (
  id           uuid primary key default gen_random_uuid(),
  name         text not null check (name <> ''),
  key_hash     bytea not null unique check (length(key_hash) = 32),
  -- The first characters, by which a person tells keys apart.
  prefix       text not null,
  scopes       text[] not null check (cardinality(scopes) >= 1 and scopes <@ array['read', 'backup', 'restore', 'admin']),
  project_id   text,
  created_at   timestamptz(3) not null default now(),
  expires_at   timestamptz(3),
  last_used_at timestamptz(3),
  revoked_at   timestamptz(3)
);
