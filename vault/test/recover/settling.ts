import type { Machine } from '@telegram-backup/test-support/machines.ts'
import type { TestVault } from '@telegram-backup/test-support/vault.ts'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { ChatGates } from '#session/chat-gates.ts'
import { SettlingReport } from '#session/report.ts'
import type { Settling } from '#session/session.ts'

/** What a machine settles with, in the vault's chat and a second one. */
export function settlingOf(
  { client, database, signingKey }: Machine,
  { chatId, recipient }: TestVault,
  replicaChatId?: number,
): Settling {
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
    report: new SettlingReport(),
    say: () => {},
  }
}
