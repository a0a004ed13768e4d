-- Programs that know 019 may go on.
-- Signed records of drills and of their reviews, in one chain for each catalog: previous is the hash of the record before.
-- A catalog that took over the chat of another one has both chains. envelope is what was signed, byte by byte
-- (docs/format.md). Records are never changed and never erased. backup_id has no foreign key: a record outlives its backup,
-- also in a catalog that was rebuilt without it.
create table control_plane.evidence (
  id              uuid primary key,
  catalog_id      uuid not null,
  number          bigint not null check (number >= 1),
  kind            text not null check (kind in ('drill', 'review')),
  at              timestamptz(3) not null,
  project_id      text not null,
  type            text not null,
  source_name     text,
  backup_id       uuid not null,
  verification_id uuid unique,
  reviewed_id     uuid,
  outcome         text,
  sha256          text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
  previous        text unique check (previous ~ '^[0-9a-f]{64}$'),
  signer          text not null,
  envelope        text not null,
  unique (catalog_id, number),
  constraint only_the_first_record_has_none_before check ((previous is null) = (number = 1)),
  constraint drills_and_reviews_are_whole check (
    (kind = 'drill') = (verification_id is not null and outcome is not null and reviewed_id is null)
    and (kind = 'review') = (reviewed_id is not null and verification_id is null and outcome is null))
);

create index evidence_by_project on control_plane.evidence (project_id, at desc, id);
create index evidence_by_backup on control_plane.evidence (backup_id, at desc);
create index evidence_by_review on control_plane.evidence (reviewed_id) where reviewed_id is not null;

-- Where a record is. size and sha256 are those of the document as sent, which is encrypted for each chat anew.
create table control_plane.evidence_messages (
  evidence_id    uuid not null references control_plane.evidence (id),
  chat_id        text not null,
  message_id     bigint not null check (message_id >= 1),
  bot_id         text,
  file_id        text not null,
  file_unique_id text,
  size           bigint not null check (size >= 1),
  sha256         text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  sent_at        timestamptz(3),
  primary key (evidence_id, chat_id)
);
create unique index evidence_messages_by_chat on control_plane.evidence_messages (chat_id, message_id);

alter table control_plane.open_sends
  add column evidence_id uuid references control_plane.evidence (id),
  drop constraint open_sends_purpose_check,
  add constraint open_sends_purpose_check check (purpose in ('part', 'manifest', 'index', 'copy', 'evidence')),
  add constraint evidence_can_be_recognised check (purpose <> 'evidence' or
    (evidence_id is not null and sha256 is not null and size is not null and file_name is not null));
create unique index open_sends_by_evidence on control_plane.open_sends (evidence_id, chat_id) where purpose = 'evidence';
