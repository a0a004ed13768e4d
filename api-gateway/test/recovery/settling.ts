import { createCatalogVault } from '#lib/backups/catalog-vault.ts'
import { ChatGates } from '#settling/chat-gates.ts'
import type { Settling } from '#settling/settling.ts'
import { SettlingReport } from '#settling/settling-report.ts'
import type { Machine } from '#test/recovery/machines.ts'
import type { TestVault } from '#test/vault.ts'

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
