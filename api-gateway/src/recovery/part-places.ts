import { type Database, learnFileId } from '@telegram-backup/database'
import { renewFileId, type TelegramClient } from 'telegram-deployment-bot'
import { describeError } from '#lib/backups/backup-error.ts'
import { createCatalogVault } from '#lib/backups/catalog-vault.ts'
import type { FetchPlan, PartPlace, PlannedPart } from '#lib/backups/fetch-plan.ts'

/** What it takes to look for a part in other places than its file id. */
export interface PlaceSearch {
  client: TelegramClient
  /** Opened only when a message has to be forwarded: what is about to be done is written down first. */
  catalog: () => Promise<Database>
  /** Hears, in words, of each part that had to be taken from elsewhere. */
  note: (text: string) => void
  signal: AbortSignal
}

/**
 * The plan, each part of which is looked for wherever it lies: by its file id, when that is this bot's; else by its
 * message, which is forwarded, read, and its copy deleted, and the catalog learns the new file id; then the same in the
 * other chat that has a copy. Each message is forwarded when its part is about to be needed, not before.
 */
export function withOtherPlaces(plan: FetchPlan, search: PlaceSearch): FetchPlan {
  return {
    ...plan,
    parts: plan.parts.map(part => {
      // What is learned here serves the next reading of the same part as well.
      const places = part.places.map(place => ({ ...place }))
      let attempts: AsyncGenerator<string> | undefined
      const elsewhere = async (cause: unknown): Promise<string | undefined> => {
        if (cause === undefined || attempts === undefined) {
          attempts = fileIdsOf(part, { backupId: plan.backupId, places, search })
        }
        return (await attempts.next()).value as string | undefined
      }
      return { ...part, places, fileId: undefined, elsewhere }
    }),
  }
}

/** Every file id under which the part may be had, the best first. */
async function* fileIdsOf(
  part: PlannedPart,
  { backupId, places, search }: { backupId: string; places: readonly PartPlace[]; search: PlaceSearch },
): AsyncGenerator<string, undefined> {
  let outage: unknown
  for (const [index, place] of places.entries()) {
    if (index > 0) search.note(`part ${part.number} is taken from the copy in chat ${place.chatId}`)
    if (place.fileId !== null && isUsable(place, search.client.botId)) yield place.fileId
    if (place.messageId === null) continue
    try {
      yield await renew(part, { backupId, place, search })
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

/** A file id of an unknown bot is worth a try: the server refuses a foreign one at once. */
function isUsable(place: PartPlace, botId: string): boolean {
  return place.botId === null || place.botId === botId
}

/** A file id of this bot for the part's message. */
async function renew(
  part: PlannedPart,
  { backupId, place, search }: { backupId: string; place: PartPlace; search: PlaceSearch },
): Promise<string> {
  const { client, signal } = search
  const { chatId, messageId } = place
  const { number: partNo, size, sha256 } = part
  const database = await search.catalog()
  const renewed = await renewFileId(client, createCatalogVault(database), {
    chatId,
    messageId: messageId as number,
    expected: { size, sha256 },
    signal,
  })
  await learnFileId(database, {
    partKey: { backupId, chatId, kind: 'part', partNo },
    botId: client.botId,
    ...renewed,
  })
  Object.assign(place, { fileId: renewed.fileId, botId: client.botId })
  return renewed.fileId
}
