import { type Database, learnFileId, listMessages } from '@telegram-backup/database'
import { renewFileId, type TelegramClient } from 'telegram-deployment-bot'
import { describeError } from '#lib/backups/backup-error.ts'
import { createCatalogVault } from '#lib/backups/catalog-vault.ts'
import type { FetchPlan, PartPlace, PlannedManifest } from '#lib/backups/fetch-plan.ts'

/** What it takes to look for a document in other places than its file id. */
export interface PlaceSearch {
  client: TelegramClient
  /** Opened only when a message has to be forwarded: what is about to be done is written down first. */
  catalog: () => Promise<Database>
  /** Hears, in words, of each document that had to be taken from elsewhere. */
  note: (text: string) => void
  signal: AbortSignal
}

/** A part or the manifest, and the messages that hold it. */
interface PlacedDocument extends PlannedManifest {
  kind: 'part' | 'manifest'
  /** 0 for the manifest. */
  partNo: number
}

/**
 * The plan, each document of which is looked for wherever it lies: by its file id, when that is this bot's; else by its
 * message, which is forwarded, read, and its copy deleted, and the catalog learns the new file id; then the same in the
 * other chat that has a copy. Each message is forwarded when its part is about to be needed, not before.
 */
export function withOtherPlaces(plan: FetchPlan, search: PlaceSearch): FetchPlan {
  const { backupId, manifest } = plan
  return {
    ...plan,
    parts: plan.parts.map(part => ({
      ...part,
      ...placed({ ...part, kind: 'part', partNo: part.number }, backupId, search),
    })),
    manifest: manifest && {
      ...manifest,
      ...placed({ ...manifest, kind: 'manifest', partNo: 0 }, backupId, search),
    },
  }
}

function placed(
  document: PlacedDocument,
  backupId: string,
  search: PlaceSearch,
): Pick<PlannedManifest, 'fileId' | 'elsewhere'> {
  // What is learned here serves the next reading of the same document as well.
  const places = document.places.map(place => ({ ...place }))
  let attempts: AsyncGenerator<string, undefined> | undefined
  return {
    fileId: undefined,
    elsewhere: async cause => {
      if (cause === undefined || attempts === undefined) {
        attempts = fileIdsOf({ ...document, places }, backupId, search)
      }
      return (await attempts.next()).value
    },
  }
}

/** Every file id under which the document may be had, the best first. */
async function* fileIdsOf(
  document: PlacedDocument,
  backupId: string,
  search: PlaceSearch,
): AsyncGenerator<string, undefined> {
  const name = document.kind === 'manifest' ? 'the manifest' : `part ${document.partNo}`
  let outage: unknown
  let isFirst = true
  for await (const place of everyPlace(document, backupId, search)) {
    if (!isFirst) search.note(`${name} is taken from the copy in chat ${place.chatId}`)
    isFirst = false
    if (place.fileId !== null && isUsable(place, search.client.botId)) yield place.fileId
    if (place.messageId === null) continue
    try {
      yield await renew(document, { backupId, place, search })
    } catch (error) {
      const { code } = describeError(error)
      if (code === 'CANCELLED') throw error
      // That the message is gone is what the download says by itself; an outage is no damage, and must not pass for it.
      if (code !== 'INTEGRITY') outage ??= error
    }
  }
  if (outage !== undefined) throw outage
  return undefined
}

/** The known places; of a manifest the plan knows that in the backup's own chat only. */
async function* everyPlace(
  { kind, places }: PlacedDocument,
  backupId: string,
  search: PlaceSearch,
): AsyncGenerator<PartPlace> {
  yield* places
  if (kind === 'part') return
  const rows = await listMessages(await search.catalog(), backupId)
  const chats = new Set(places.map(({ chatId }) => chatId))
  for (const row of rows) {
    if (row.kind !== 'manifest' || chats.has(row.chat_id)) continue
    yield { chatId: row.chat_id, messageId: row.message_id, fileId: row.file_id, botId: row.bot_id }
  }
}

/** A file id of an unknown bot is worth a try: the server refuses a foreign one at once. */
function isUsable(place: PartPlace, botId: string): boolean {
  return place.botId === null || place.botId === botId
}

/** A file id of this bot for the document's message. */
async function renew(
  { kind, partNo, size, sha256 }: PlacedDocument,
  { backupId, place, search }: { backupId: string; place: PartPlace; search: PlaceSearch },
): Promise<string> {
  const { client, signal } = search
  const { chatId, messageId } = place
  const database = await search.catalog()
  const renewed = await renewFileId(client, createCatalogVault(database), {
    chatId,
    messageId: messageId as number,
    expected: { size, sha256 },
    signal,
  })
  const partKey = { backupId, chatId, kind, partNo }
  await learnFileId(database, { partKey, botId: client.botId, ...renewed })
  Object.assign(place, { fileId: renewed.fileId, botId: client.botId })
  return renewed.fileId
}
