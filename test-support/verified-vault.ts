import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { BackupTelegramIntegration } from '@telegram-backup/api-gateway/lib/backups/backup-telegram.integration.ts'
import { loadOrCreateSigningKey } from '@telegram-backup/archive'
import { type Database, listMessages, type MessageRow } from '@telegram-backup/database'
import { createCatalogVault } from '@telegram-backup/vault/ledger/catalog-vault.ts'
import { ChatGates } from '@telegram-backup/vault/session/chat-gates.ts'
import { SessionReport } from '@telegram-backup/vault/session/report.ts'
import type { VaultSession } from '@telegram-backup/vault/session/session.ts'
import type { VerificationReport } from '@telegram-backup/vault/verify/verification-report.ts'
import { type VerifyBackup, verifyBackup } from '@telegram-backup/vault/verify/verify-backup.ts'
import { BackupService, createTelegramClient, type TelegramClient } from 'telegram-deployment-bot'
import { openTamperedChat, type TamperedChat } from '#tampered-chat.ts'
import { openTestCatalog, openTestVault, TEST_PART_SIZE_BYTES, type TestVault } from '#vault.ts'

/** A vault whose backups are verified through a proxy that can change them. */
export interface VerifiedVault {
  vault: TestVault
  database: Database
  way: TamperedChat
  /** Through the proxy. */
  client: TelegramClient
  /** Another channel for the same bot. */
  openChannel(): number
  /** Sends `size` random bytes; returns the id. */
  send(size: number, chats?: { chatId?: number; replicaChatId?: number }): Promise<string>
  /** A session through the proxy, with the key of the vault unless another is given; `null` for none. */
  session(options?: { identity?: string | null; signal?: AbortSignal; client?: TelegramClient }): VaultSession
  verify(
    backupId: string,
    options?: Partial<VerifyBackup> & Parameters<VerifiedVault['session']>[0],
  ): Promise<VerificationReport>
  row(backupId: string, partNumber: number, chatId?: number): Promise<MessageRow & { message_id: number }>
  close(): Promise<void>
}

export async function openVerifiedVault(): Promise<VerifiedVault> {
  const vault = await openTestVault()
  const database = await openTestCatalog()
  const way = await openTamperedChat(vault.emulator.url)
  const { emulator, token, recipient } = vault
  const client = clientOf({ token, apiRoot: way.url })
  const signingKey = await loadOrCreateSigningKey(join(vault.folder, 'signing-key.pem'))
  const session: VerifiedVault['session'] = ({ identity = vault.identity, signal, client: other } = {}) => {
    const end = signal ?? new AbortController().signal
    const catalogVault = createCatalogVault(database)
    return {
      database,
      client: other ?? client,
      vault: catalogVault,
      chatId: String(vault.chatId),
      replicaChatId: undefined,
      indexSeal: { encryption: { recipients: [recipient] }, signingKey },
      ...(identity !== null && { identities: async () => [identity] }),
      gates: new ChatGates({ client: other ?? client, vault: catalogVault, signal: end }),
      report: new SessionReport(),
      signal: end,
      say: () => {},
    }
  }
  return {
    vault,
    database,
    way,
    client,
    session,
    openChannel: () => {
      const [bot] = emulator.inspect.bots()
      if (bot === undefined) throw new Error('The vault has no bot')
      return emulator.createChat({ type: 'channel', title: 'Another', administrators: [{ bot }] }).id
    },
    send: async (size, { chatId = vault.chatId, replicaChatId } = {}) => {
      const service = new BackupService({
        telegramClient: vault.client,
        defaultChatId: String(chatId),
        ...(replicaChatId !== undefined && { replicaChatId: String(replicaChatId) }),
        encryption: { recipients: [recipient] },
        partSizeBytes: TEST_PART_SIZE_BYTES,
      })
      const integration = new BackupTelegramIntegration(service, { database })
      const file = randomBytes(size)
      const { databaseRecord, error } = await integration.sendAndRecord({
        ...{ projectId: 'shop', type: 'storage', file, filename: 'a.bin' },
      })
      if (databaseRecord === undefined) throw new Error(error)
      return databaseRecord.id
    },
    verify: (backupId, { identity, signal, client: other, ...options } = {}) =>
      verifyBackup(
        session({
          ...(identity !== undefined && { identity }),
          ...(signal && { signal }),
          ...(other && { client: other }),
        }),
        { backupId, readData: true, ...options },
      ),
    row: async (backupId, partNumber, chatId = vault.chatId) => {
      const row = (await listMessages(database, backupId)).find(
        one => one.chat_id === String(chatId) && one.part_no === partNumber,
      )
      if (row?.message_id == null) throw new Error(`no part ${partNumber}`)
      return { ...row, message_id: row.message_id }
    },
    close: async () => {
      await way.close()
      await database.close()
      await vault.close()
    },
  }
}

/** Gives up soon, so that tests of outages end. */
export function clientOf({ token, apiRoot }: { token: string; apiRoot: string }): TelegramClient {
  return createTelegramClient({
    token,
    apiRoot,
    policy: { maxTries: 2, transferTries: 3, retryPauseMs: 5 },
  })
}
