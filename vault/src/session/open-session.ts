import { loadOrCreateSigningKey, readIdentityFile } from '@telegram-backup/archive'
import type { Database } from '@telegram-backup/database'
import type { CallWait, TelegramClient } from 'telegram-deployment-bot'
import type { TelegramConfig } from 'telegram-deployment-bot/config'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { ChatGates } from '#session/chat-gates.ts'
import { SessionReport } from '#session/report.ts'
import type { IndexSeal, RunProgress, VaultSession } from '#session/session.ts'

/** The chats and keys of the configuration. */
export type VaultConfig = Pick<
  TelegramConfig,
  'chatId' | 'replicaChatId' | 'encryption' | 'identityFile' | 'signingKeyFile'
>

export interface SessionOptions {
  database: Database
  client: TelegramClient
  config: VaultConfig
  signal: AbortSignal
  onWait?: (wait: CallWait) => void
  /** Called with a line of text for each step. */
  say?: (line: string) => void
  onProgress?: ((progress: RunProgress) => void) | undefined
}

/** A session for the configured chats. Makes no call yet. */
export async function openSession(options: SessionOptions): Promise<VaultSession> {
  const { database, client, config, signal, onWait, onProgress, say = () => {} } = options
  const vault = createCatalogVault(database)
  const { identityFile } = config
  return {
    database,
    client,
    vault,
    chatId: config.chatId,
    replicaChatId: config.replicaChatId,
    indexSeal: await readIndexSeal(config),
    identities: identityFile === undefined ? undefined : () => readIdentityFile(identityFile),
    gates: new ChatGates({ client, vault, signal }),
    report: new SessionReport(),
    signal,
    onWait,
    onProgress,
    say,
  }
}

/** Undefined without public keys: an index must not be sent unencrypted by mistake. */
async function readIndexSeal({ encryption, signingKeyFile }: VaultConfig): Promise<IndexSeal | undefined> {
  if (encryption === undefined) return undefined
  return { encryption, signingKey: await loadOrCreateSigningKey(signingKeyFile) }
}
