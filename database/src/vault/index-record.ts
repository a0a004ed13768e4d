import { setTimeout as delay } from 'node:timers/promises'
import { sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { ensureChat, type IndexRecord, raiseNewest } from '#chats/chats.ts'
import { keepLeftoverIn } from '#chats/leftover-messages.ts'
import { closeSendIn } from '#chats/open-sends.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText } from '#input-checks.ts'
import { waitingNotes } from '#leases/lock-wait.ts'
import { heldByNameSince, tryLockByName } from '#named-locks.ts'
import { markIndexed } from '#objects/checkpoints/indexed-names.ts'

/** An index that is proven to be in the chat. */
export interface IndexConfirmation extends Omit<IndexRecord, 'nextEdition'> {
  chatId: string
  /** The id from `beginIndex`, for a new message. */
  sendId?: string | undefined
  /** Ids of the checkpoints and removed buckets that it names; absent when its content is unknown. */
  names?: readonly string[] | undefined
  /** Ids of the buckets that it names as taken back to a moment. */
  undeletes?: readonly string[] | undefined
}

/** To be called before the index is replaced in place: this edition may be in the chat from then on. */
export async function intendIndexEdition(database: Database, chatId: string, edition: string): Promise<void> {
  checkText('edition', edition)
  await inTransaction(database.kysely, async trx => {
    await ensureChat(trx, chatId)
    await trx
      .updateTable('chats')
      .set({ index_next_edition: edition })
      .where('chat_id', '=', chatId)
      .execute()
  })
}

/**
 * Records that the index is in the chat, and closes the call that made it. The message of the index before
 * becomes a leftover message, unless it is the same message. CatalogError CONFLICT for an edition that was
 * not announced, and for an older message: another process has written the index since. The number of the
 * recorded edition never becomes smaller: the next drawing has to come after both.
 */
export async function confirmIndex(database: Database, index: IndexConfirmation): Promise<void> {
  checkCount('message id', index.messageId, 1)
  checkText('edition', index.edition)
  await inTransaction(database.kysely, async trx => {
    await closeSendIn(trx, index.sendId)
    const names = [...(index.names ?? []), ...(await notRemoved(trx, index.undeletes ?? []))]
    await ensureChat(trx, index.chatId)
    const before = await lockIndex(trx, index.chatId)
    if (before && !mayFollow(index, before)) {
      throw new CatalogError('Another process has written the index of the chat since', {
        code: 'CONFLICT',
        hint: 'Nothing is lost; reconcile draws the index again.',
      })
    }
    await keepReplaced(trx, { index, before })
    await trx
      .updateTable('chats')
      .set({
        index_message_id: index.messageId,
        index_file_id: index.fileId,
        index_bot_id: index.botId,
        index_sha256: index.sha256,
        index_edition: before && countOf(index) < countOf(before) ? before.edition : index.edition,
        index_content_sha256: index.contentSha256,
        index_next_edition: null,
        index_names: names,
      })
      .where('chat_id', '=', index.chatId)
      .execute()
    await markIndexed(trx, names)
    await raiseNewest(trx, index.chatId, index.messageId)
  })
}

/**
 * Which of these buckets were not removed since the index was drawn: it does not name their removal. They
 * are not removed before the transaction ends.
 */
async function notRemoved(trx: Transaction<CatalogSchema>, bucketIds: readonly string[]): Promise<string[]> {
  if (bucketIds.length === 0) return []
  const rows = await trx
    .selectFrom('object_buckets')
    .select('id')
    .where('id', 'in', bucketIds)
    .where('removed_at', 'is', null)
    .orderBy('id')
    .forShare()
    .execute()
  return rows.map(({ id }) => id)
}

interface KnownMessage {
  messageId: number
  edition: string
  nextEdition: string | null
}

async function lockIndex(trx: Transaction<CatalogSchema>, chatId: string): Promise<KnownMessage | undefined> {
  const chat = await trx
    .selectFrom('chats')
    .select(['index_message_id', 'index_edition', 'index_next_edition'])
    .where('chat_id', '=', chatId)
    .forUpdate()
    .executeTakeFirst()
  const { index_message_id: messageId = null, index_edition: edition = null } = chat ?? {}
  if (messageId === null || edition === null) return undefined
  return { messageId, edition, nextEdition: chat?.index_next_edition ?? null }
}

/**
 * A new message has a call, a message that was replaced in place has an edition, and a found one has a
 * greater id.
 */
function mayFollow({ sendId, messageId, edition }: IndexConfirmation, before: KnownMessage): boolean {
  if (sendId !== undefined || messageId > before.messageId) return true
  return messageId === before.messageId && [before.edition, before.nextEdition].includes(edition)
}

/** Editions are counted: `<count>-<anything>`. */
function countOf({ edition }: { edition: string }): number {
  return Number.parseInt(edition, 10)
}

async function keepReplaced(
  trx: Transaction<CatalogSchema>,
  { index, before }: { index: IndexConfirmation; before: KnownMessage | undefined },
): Promise<void> {
  const { chatId } = index
  if (before === undefined || before.messageId === index.messageId) return
  await keepLeftoverIn(trx, { chatId, messageId: before.messageId, isTombstone: false })
}

/** The index message is not in the chat any more. */
export async function forgetIndex(database: Database, chatId: string): Promise<void> {
  await database.kysely
    .updateTable('chats')
    .set({
      index_message_id: null,
      index_file_id: null,
      index_bot_id: null,
      index_sha256: null,
      index_edition: null,
      index_content_sha256: null,
      index_next_edition: null,
      index_names: [],
    })
    .where('chat_id', '=', chatId)
    .execute()
}

/**
 * Each holder keeps a connection of the pool while its work needs others, so the number of holders is
 * bounded.
 */
const HOLDERS_AT_MOST = 2
const holders = new WeakMap<Database['kysely'], number>()

const ASK_AGAIN_MS = 100
/** Unless the catalog's `lockWait` says otherwise. */
const GIVE_UP_AFTER_MS = 60_000
/** Others hold the lock for the time of an edit: a shorter wait is not worth a line. */
const NOTE_AFTER_MS = 3_000

/**
 * Runs `work` while no other caller, in any process on this catalog, works on the index of that chat.
 * PostgreSQL gives the lock back when the process ends in any way. CatalogError BUSY after a minute of
 * waiting, or after the time to wait.
 */
export async function withIndexLock<Result>(
  database: Database,
  chatId: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const { lockWait } = database
  const since = performance.now()
  const forMs = lockWait?.forMs ?? GIVE_UP_AFTER_MS
  const notes = lockWait && waitingNotes(lockWait)
  for (;;) {
    // Only the holder of the lock keeps a connection: a waiting caller must not take the last one from it.
    let done: { result: Result } | undefined
    try {
      await holding(database, () =>
        inTransaction(database.kysely, async trx => {
          if (await tryLock(trx, chatId)) done = { result: await work() }
        }),
      )
    } catch (error) {
      // The connection with the lock may have been lost, but the work was done.
      if (!done) throw error
    }
    if (done) return done.result
    const waitedMs = performance.now() - since
    if (waitedMs > forMs) {
      throw new CatalogError(
        `Other work on the index of the chat did not end within ${forMs === GIVE_UP_AFTER_MS ? 'a minute' : `${forMs / 1000} s`}`,
        { code: 'BUSY', hint: 'Try again; reconcile draws the index as well.' },
      )
    }
    if (notes !== undefined && waitedMs > NOTE_AFTER_MS) notes(await describeIndexHolder(database, chatId))
    await delay(ASK_AGAIN_MS, undefined, lockWait && { signal: lockWait.signal })
  }
}

/** Does nothing while others hold as many connections as may be held. */
async function holding({ kysely }: Database, work: () => Promise<void>): Promise<void> {
  const before = holders.get(kysely) ?? 0
  if (before >= HOLDERS_AT_MOST) return
  holders.set(kysely, before + 1)
  try {
    await work()
  } finally {
    holders.set(kysely, (holders.get(kysely) ?? 1) - 1)
  }
}

async function describeIndexHolder({ kysely }: Database, chatId: string): Promise<string> {
  const since = await heldByNameSince(kysely, lockName(chatId)).catch(() => undefined)
  const when = since === undefined ? '' : ` since ${since.toISOString()}`
  return `another process writes the index of the chat ${chatId}${when}`
}

function lockName(chatId: string): string {
  return `telegram-backup index ${chatId}`
}

async function tryLock(trx: Transaction<CatalogSchema>, chatId: string): Promise<boolean> {
  if (!(await tryLockByName(trx, lockName(chatId)))) return false
  await sql`set local idle_in_transaction_session_timeout = 0`.execute(trx)
  return true
}
