import type { Machine } from '@telegram-backup/test-support/machines.ts'
import type { TestVault } from '@telegram-backup/test-support/vault.ts'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { ChatGates } from '#session/chat-gates.ts'
import { SessionReport } from '#session/report.ts'
import type { VaultSession } from '#session/session.ts'

/** A session of a machine in the vault's chat and a second one. */
export function sessionOf(
  { client, database, signingKey }: Machine,
  { chatId, recipient }: TestVault,
  replicaChatId?: number,
): VaultSession {
  const vault = createCatalogVault(database)
  const { signal } = new AbortController()
  return {
    client,
    database,
    vault,
    signal,
    chatId: String(chatId),
    replicaChatId: replicaChatId === undefined ? undefined : String(replicaChatId),
    indexSeal: { encryption: { recipients: [recipient] }, signingKey },
    gates: new ChatGates({ client, vault, signal }),
    report: new SessionReport(),
    say: () => {},
  }
}
