-- Programs that know 019 may go on.
-- Passkeys of people. credential_id: base64url, as browsers give it. public_key: COSE. rp_id: the host name for which the browser made
-- it, and where alone it works. counter: how often it signed, as far as it says; one that does not grow is a copy.
create table control_plane.passkeys (
  id            uuid primary key default gen_random_uuid(),
  person_id     uuid not null references control_plane.people on delete cascade,
  name          text not null check (name <> ''),
  credential_id text not null unique check (credential_id <> ''),
  public_key    bytea not null,
  counter       bigint not null check (counter >= 0),
  transports    text[] not null,
  rp_id         text not null,
  created_at    timestamptz(3) not null default clock_timestamp(),
  last_used_at  timestamptz(3)
);
create index passkeys_by_person on control_plane.passkeys (person_id, created_at);

-- What a browser, or a provider of sign-ins, was asked to answer; used once. Only the SHA-256 of the random value is kept. person_id: who
-- alone may answer; null for somebody who is not signed in yet. details: what the answer is checked against, no secret.
create table control_plane.sign_in_challenges (
  challenge_hash bytea primary key check (length(challenge_hash) = 32),
  kind           text not null check (kind in ('passkey.add', 'passkey.use', 'oidc')),
  person_id      uuid references control_plane.people on delete cascade,
  details        jsonb not null default '{}',
  expires_at     timestamptz(3) not null
);
create index sign_in_challenges_by_person on control_plane.sign_in_challenges (person_id);
create index sign_in_challenges_by_end on control_plane.sign_in_challenges (expires_at);

-- Accounts at OpenID Connect providers, by which people sign in. One of a removed person stays, so that the account cannot come back.
create table control_plane.identities (
  issuer       text not null check (issuer <> ''),
  subject      text not null check (subject <> ''),
  person_id    uuid not null references control_plane.people on delete cascade,
  created_at   timestamptz(3) not null default clock_timestamp(),
  last_used_at timestamptz(3) not null default clock_timestamp(),
  primary key (issuer, subject)
);
create index identities_by_person on control_plane.identities (person_id);
