import { setTimeout as sleep } from 'node:timers/promises'
import { currentChat, type Database } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { guardChat, type TelegramClient } from 'telegram-deployment-bot'
import { createCatalogVault } from '#ledger/catalog-vault.ts'

/** A chat as it was just seen. */
type SeenChat = Parameters<typeof guardChat>[2]

/** Throws `CONFIGURATION` while the chat belongs to another catalog, or to a later generation of this one. */
export type AssertOwnChat = (seen: SeenChat, options: { signal: AbortSignal }) => Promise<void>

/** How long a caller waits for the catalog: it asks often. */
const WITHIN_MS = 2_000

/**
 * For callers that ask every few seconds: a machine whose chat was taken over must send nothing there. While
 * the catalog is away, its last answer holds.
 */
export function watchOwnership(of: {
  database: Database
  client: TelegramClient
  /** For tests. Default: 2 seconds. */
  withinMs?: number
}): AssertOwnChat {
  const { withinMs = WITHIN_MS } = of
  let refusal: unknown
  let asking: Promise<void> | undefined
  return async (seen, { signal }) => {
    // A question that hangs is not asked a second time: each would hold a connection.
    asking ??= guard(of, seen)
      .then(
        () => {
          refusal = undefined
        },
        (error: unknown) => {
          if (describeError(error).code === 'CONFIGURATION') refusal = error
        },
      )
      .finally(() => {
        asking = undefined
      })
    const answered = new AbortController()
    const limit = AbortSignal.any([signal, answered.signal])
    await Promise.race([asking, sleep(withinMs, undefined, { signal: limit }).catch(() => {})])
    answered.abort()
    if (refusal !== undefined) throw refusal
  }
}

/** A group that has become a supergroup still shows what was pinned in it. */
async function guard(
  { database, client }: { database: Database; client: TelegramClient },
  seen: SeenChat,
): Promise<void> {
  const chatId = await currentChat(database, seen.chatId)
  const pinned = chatId === seen.chatId ? seen.pinned : (await client.getChat(chatId)).pinned
  await guardChat(client, createCatalogVault(database), { chatId, pinned })
}
