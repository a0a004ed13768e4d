-- A sealed backup has all its parts in the chat and its manifest ready to be sent: whoever finds its run dead can finish it
-- without the source and without a key. signer is the fingerprint of the key that signed the manifest.
alter table control_plane.backups add column signer text;
-- A failed backup that may go on where it stopped, since its source can be read again.
alter table control_plane.backups add column resumable boolean not null default false;
alter table control_plane.backup_parts add column plain_sha256 text check (plain_sha256 ~ '^[0-9a-f]{64}$');

create table control_plane.sealed_manifests (
  backup_id uuid primary key references control_plane.backups (id),
  document  bytea not null,
  sealed_at timestamptz(3) not null default now()
);
