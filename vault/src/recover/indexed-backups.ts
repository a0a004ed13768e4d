import type { IndexEntry, Manifest, VaultIndex } from '@telegram-backup/archive'
import type { ImportedMessage } from '@telegram-backup/database'
import type { TelegramClient } from 'telegram-deployment-bot'
import type { ChatReader, Sighting } from '#recover/chat-reader.ts'
import { type FoundBackup, foundByEntry, foundByManifest } from '#recover/found-backup.ts'
import type { Downloaded, SignedDocuments } from '#recover/signed-documents.ts'

/** The means to read backups from a chat. */
export interface BackupReading {
  client: TelegramClient
  reader: ChatReader
  documents: SignedDocuments
  /** The chat has copies: manifests name the messages of another chat. */
  isCopy?: boolean
}

/** Every message id that the index names. */
export function idsOf(index: VaultIndex): Set<number> {
  const ofBackups = index.backups.flatMap(entry => [entry.manifest.messageId, ...entry.partMessages])
  const named = [
    ...(index.evidence ?? []),
    ...(index.buckets ?? []).flatMap(({ checkpoint, packs }) => [
      ...(checkpoint?.parts ?? []),
      ...(packs ?? []),
    ]),
  ]
  return new Set([...ofBackups, ...named.map(({ messageId }) => messageId)])
}

/**
 * Reads one backup of the index by its manifest, which must be the document that the index names. Without the
 * manifest it reads the parts in the places that the index names. A missing message is a finding.
 */
export async function readIndexed(entry: IndexEntry, of: BackupReading): Promise<FoundBackup> {
  const { reader } = of
  const manifest = await openManifestOf(entry, of)
  if ('reason' in manifest) return await readParts(entry, manifest.reason, of)
  const there = await existing([entry.manifest.messageId, ...entry.partMessages], reader)
  const { content, signer, fileId, botId } = manifest
  const { size, sha256 } = entry.manifest
  return foundByManifest({
    manifest: content,
    signer,
    entry,
    document: { fileId, botId, size, sha256 },
    placement: {
      chatId: reader.chatId,
      manifestMessageId: entry.manifest.messageId,
      partMessageIds: entry.partMessages,
      isThere: id => there.has(id),
      botId: content.botId,
    },
  })
}

type OpenedManifest = { content: Manifest; signer: string; fileId: string; botId: string }

async function openManifestOf(
  entry: IndexEntry,
  of: BackupReading,
): Promise<OpenedManifest | { reason: string }> {
  const { documents, client } = of
  const found = await downloadManifest(entry, of)
  if ('reason' in found) return found
  const reading = await documents.readManifest(found, { isVouchedFor: true })
  if ('refusal' in reading) return { reason: `its manifest ${reading.refusal.words}` }
  if (reading.content.backup.id !== entry.id || reading.content.parts.length !== entry.partCount) {
    return { reason: 'its manifest is that of another backup' }
  }
  return { ...reading, fileId: found.fileId, botId: client.botId }
}

/** By the file id in the index if it is this bot's (a file outlives its message), else by the message. */
async function downloadManifest(
  { manifest }: IndexEntry,
  { client, reader, documents }: BackupReading,
): Promise<(Downloaded & { fileId: string }) | { reason: string }> {
  const { messageId, fileId, botId, size, sha256 } = manifest
  const mayBeOurs = botId === undefined || botId === client.botId
  if (botId === client.botId) {
    const file = await documents.download(fileId, { sha256, maxBytes: size, isBrief: true })
    if (file?.sha256 === sha256) return { ...file, fileId }
  }
  const { document } = (await reader.look(messageId)) ?? {}
  const place = document?.fileId ?? (mayBeOurs ? fileId : undefined)
  const isBrief = document === undefined
  const file = place && (await documents.download(place, { sha256, maxBytes: size, isBrief }))
  if (file && file.sha256 === sha256) return { ...file, fileId: place }
  return {
    reason:
      document === undefined
        ? `its manifest (message ${messageId}) is gone`
        : `message ${messageId} is not the manifest that the index names`,
  }
}

/** The ids that have a message. */
export async function existing(ids: readonly number[], reader: ChatReader): Promise<Set<number>> {
  const there = new Set<number>()
  for (const id of ids) if (await reader.exists(id)) there.add(id)
  return there
}

/** The index says where the parts are, and their captions say what they are. */
async function readParts(
  entry: IndexEntry,
  reason: string,
  { client, reader }: BackupReading,
): Promise<FoundBackup> {
  const findings = [reason]
  const place = { chatId: reader.chatId, botId: client.botId }
  const messages: ImportedMessage[] = [lostManifest(entry, reader.chatId)]
  for (const [index, messageId] of entry.partMessages.entries()) {
    const partNumber = index + 1
    const sighting = await reader.look(messageId)
    const message =
      sighting && isPart(sighting, entry.id, partNumber) ? messageSeen(sighting, place) : undefined
    if (message === undefined) findings.push(`part ${partNumber} (message ${messageId}) is gone`)
    messages.push(message ?? lostPart({ entry, partNumber, messageId, chatId: reader.chatId }))
  }
  return foundByEntry(entry, { chatId: reader.chatId, messages, findings })
}

function isPart({ facts }: Sighting, backupId: string, partNumber: number): boolean {
  return facts?.kind === 'part' && facts.backupId === backupId && facts.partNumber === partNumber
}

/** A part or a manifest as its caption describes it. */
export function messageSeen(
  { messageId, facts, document, sentAt }: Sighting,
  of: { chatId: string; botId: string },
): ImportedMessage | undefined {
  if ((facts?.kind !== 'part' && facts?.kind !== 'manifest') || document?.sizeBytes === undefined)
    return undefined
  const { fileName, fileId, fileUniqueId, sizeBytes: size } = document
  const { kind, partNumber, sha256 } = facts
  const file = { fileName, fileId, fileUniqueId, size, sha256 }
  return { ...of, kind, partNumber, messageId, ...file, state: 'sent', sentAt }
}

function lostManifest(entry: IndexEntry, chatId: string): ImportedMessage {
  const fileName = `${entry.filename.replace(/\.[a-z0-9]+$/, '')}_manifest.zst${entry.encrypted ? '.age' : ''}`
  return { chatId, kind: 'manifest', partNumber: 0, ...entry.manifest, fileName, state: 'missing' }
}

/** Size and hash of the part are unknown; the row keeps its place. */
function lostPart({
  entry,
  ...place
}: Pick<ImportedMessage, 'partNumber' | 'messageId' | 'chatId'> & { entry: IndexEntry }): ImportedMessage {
  return {
    ...place,
    kind: 'part',
    fileName: entry.filename,
    size: 0,
    sha256: '0'.repeat(64),
    state: 'missing',
    error: 'Its size and hash went with the manifest.',
  }
}
