import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { BackupTelegramIntegration } from '@telegram-backup/api-gateway/lib/backups/backup-telegram.integration.ts'
import {
  loadOrCreateSigningKey,
  openIndex,
  type SigningKey,
  signerFingerprint,
  type VaultIndex,
} from '@telegram-backup/archive'
import { type Database, getBackupDetails } from '@telegram-backup/database'
import { nextTime } from '@telegram-backup/engine/cron/cron-times.ts'
import { planFetch } from '@telegram-backup/vault/fetch/fetch-plan.ts'
import { withOtherPlaces } from '@telegram-backup/vault/fetch/part-places.ts'
import { recover } from '@telegram-backup/vault/recover/recover.ts'
import type { RecoveryReport } from '@telegram-backup/vault/recover/recovery-report.ts'
import type { RecoverySetup } from '@telegram-backup/vault/recover/recovery-setup.ts'
import {
  BackupService,
  type BackupSource,
  createTelegramClient,
  type TelegramClient,
} from 'telegram-deployment-bot'
import { openTestCatalog, openTestVault, TEST_PART_SIZE_BYTES, type TestVault } from '#vault.ts'

/** A machine with its own catalog and signing key. The chat, the bot and the age key belong to the vault. */
export interface Machine {
  database: Database
  client: TelegramClient
  signer: string
  signingKey: SigningKey
  /** Sends that many random bytes; returns them with the id of the backup. */
  send(
    bytes: number,
    options?: { replicaChatId?: string; readFrom?: (bytes: Buffer) => Readable | BackupSource },
  ): Promise<{ id: string; bytes: Buffer }>
  recover(options?: Partial<RecoverySetup>): Promise<RecoveryReport>
  /** Uses the catalog of this machine; collects the notes. */
  fetch(id: string, notes?: string[]): Promise<Buffer>
}

/** A vault, and any number of machines that use it. */
export interface Machines {
  vault: TestVault
  open(options?: {
    token?: string
    chatId?: number
    database?: Database
    transferTries?: number
    /** Default: a new one. */
    signingKey?: SigningKey
  }): Promise<Machine>
  /** The pinned index, decrypted. */
  index(chatId?: number): Promise<VaultIndex>
  close(): Promise<void>
}

export async function openMachines(): Promise<Machines> {
  const vault = await openTestVault()
  const { emulator, identity, recipient } = vault
  const ends: (() => Promise<void>)[] = []
  const openFresh = async (): Promise<Database> => {
    const catalog = await openTestCatalog()
    ends.push(catalog.discard)
    return catalog
  }
  return {
    vault,
    open: async ({ token = vault.token, chatId = vault.chatId, database, transferTries = 2, ...of } = {}) => {
      const catalog = database ?? (await openFresh())
      const client = createTelegramClient({
        token,
        apiRoot: emulator.url,
        policy: { maxTries: 2, transferTries, retryPauseMs: 5 },
      })
      const signingKey =
        of.signingKey ??
        (await loadOrCreateSigningKey(join(vault.folder, `${randomBytes(4).toString('hex')}.pem`)))
      const encryption = { recipients: [recipient] }
      return machine({ database: catalog, client, chatId, identity, signingKey, encryption })
    },
    index: async (chatId = vault.chatId) => {
      const pinned = emulator.inspect.messages(chatId).findLast(message => message.pinned)
      const bytes = await emulator.inspect.documentBytes(chatId, pinned?.message_id ?? 0)
      return (await openIndex(bytes, { encrypted: true, identities: [identity] })).index
    },
    close: async () => {
      for (const end of ends) await end()
      await vault.close()
    },
  }
}

function machine(of: {
  database: Database
  client: TelegramClient
  chatId: number
  identity: string
  signingKey: SigningKey
  encryption: { recipients: string[] }
}): Machine {
  const { database, client, chatId, identity, signingKey, encryption } = of
  const signal = new AbortController().signal
  const service = (replica: { replicaChatId?: string } = {}): BackupService =>
    new BackupService({
      telegramClient: client,
      defaultChatId: String(chatId),
      encryption,
      signingKey,
      partSizeBytes: TEST_PART_SIZE_BYTES,
      ...replica,
    })
  return {
    database,
    client,
    signer: signerFingerprint(signingKey),
    signingKey,
    send: async (size, { readFrom, ...options } = {}) => {
      const bytes = randomBytes(size)
      const sent = await new BackupTelegramIntegration(service(options), { database }).sendAndRecord({
        projectId: 'shop',
        type: 'database',
        file: readFrom?.(bytes) ?? bytes,
        filename: 'shop.sql',
      })
      if (!sent.success || sent.databaseRecord === undefined) throw new Error(sent.error)
      return { id: sent.databaseRecord.id, bytes }
    },
    recover: options =>
      recover({
        nextRun: nextTime,
        client,
        database,
        chat: String(chatId),
        identities: [identity],
        signers: [],
        ownSigner: signerFingerprint(signingKey),
        encryption,
        signingKey: async () => signingKey,
        signal,
        onPlan: () => {},
        onLook: () => {},
        ...options,
      }),
    fetch: async (id, notes = []) => {
      const backup = await getBackupDetails(database, id)
      if (backup === null) throw new Error(`The catalog does not know ${id}`)
      const note = (text: string): number => notes.push(text)
      const plan = withOtherPlaces(planFetch(backup), { client, catalog: async () => database, note, signal })
      const bytes = service().fetchBackup({ ...plan, identities: [identity], signal })
      return Buffer.concat(await Array.fromAsync(bytes))
    },
  }
}
