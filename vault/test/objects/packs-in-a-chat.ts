import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { loadOrCreateSigningKey, type SigningKey } from '@telegram-backup/archive'
import {
  type Bucket,
  createBucket,
  findObject,
  type ObjectVersion,
  openSends,
  packMessages,
  reservePack,
} from '@telegram-backup/database'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { createTelegramClient, type TelegramClient } from 'telegram-deployment-bot'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { PackSender, type PackToSend, type PackTurn } from '#objects/messages/pack-sender.ts'
import { Writer } from '#objects/messages/writer.ts'
import { ChatGates } from '#session/chat-gates.ts'
import { SessionReport } from '#session/report.ts'
import type { VaultSession } from '#session/session.ts'

/** A message as the emulator keeps it. */
type StoredMessage = ReturnType<TestVault['emulator']['inspect']['messages']>[number]

/** A process that stores objects. */
export interface TestProcess {
  writer: Writer
  sender: PackSender
  /** Takes a turn and makes a pack with one object under that key, ready to be sent. */
  make(key: string): Promise<{ pack: PackToSend; turn: PackTurn }>
  /** The same, and sends it. */
  store(key: string): Promise<{ pack: PackToSend; messageId: number }>
}

/** A chat, a catalog with one bucket, and processes that send packs of it. */
export interface PackWorld {
  vault: TestVault
  database: TestCatalog
  client: TelegramClient
  bucket: Bucket
  signal: AbortSignal
  process(of?: { chat?: number }): TestProcess
  session(of?: { replica?: number }): VaultSession
  /** A second channel for the same bot. */
  openChannel(): number
  /** The packs that are in the chat now, without tombstones. */
  packsInChat(chatId?: number): StoredMessage[]
  object(key: string): Promise<ObjectVersion | undefined>
  /** Fails unless each pack's message is in the chat once, and so many calls are still looked for. */
  expectAgreement(of?: { open: number }): Promise<void>
  close(): Promise<void>
}

export async function openPackWorld(): Promise<PackWorld> {
  const vault = await openTestVault()
  const database = await openTestCatalog()
  const { emulator, token, recipient, identity } = vault
  const signingKey = await loadOrCreateSigningKey(join(vault.folder, 'signing-key.pem'))
  const client = packClient({ token, apiRoot: emulator.url })
  const bucket = await createBucket(database, { name: 'photos', kind: 'restic', projectId: 'shop' })
  const end = new AbortController()
  const encryption = { recipients: [recipient] }
  const startProcess: PackWorld['process'] = (of = {}) => {
    return testProcess({
      ...{ database, client, signal: end.signal, bucket },
      ...{ chat: String(of.chat ?? vault.chatId), encryption, signingKey },
    })
  }
  const packsInChat = (chatId = vault.chatId): StoredMessage[] =>
    emulator.inspect
      .messages(chatId)
      .filter(({ caption }) => caption?.split('\n').at(-1)?.startsWith('telegram-backup 1 pack='))
  return {
    ...{ vault, database, client, bucket, signal: end.signal, process: startProcess, packsInChat },
    session: ({ replica } = {}) => {
      const catalogVault = createCatalogVault(database)
      return {
        ...{ database, client, vault: catalogVault, chatId: String(vault.chatId) },
        replicaChatId: replica === undefined ? undefined : String(replica),
        indexSeal: { encryption, signingKey },
        identities: async () => [identity],
        gates: new ChatGates({ client, vault: catalogVault, signal: end.signal }),
        report: new SessionReport(),
        signal: end.signal,
        say: () => {},
      }
    },
    openChannel: () => {
      const [bot] = emulator.inspect.bots()
      if (bot === undefined) throw new Error('The vault has no bot')
      return emulator.createChat({ type: 'channel', title: 'Second', administrators: [{ bot }] }).id
    },
    object: async key => (await findObject(database, { bucketId: bucket.id, key }))?.object,
    expectAgreement: async ({ open: expected } = { open: 0 }) => {
      const there = packsInChat().map(({ message_id }) => message_id)
      const known: number[] = []
      for (const { caption } of packsInChat()) {
        const [, packId = ''] = /pack=(\S+)/.exec(caption ?? '') ?? []
        const messages = await packMessages(database, packId)
        known.push(
          ...messages.flatMap(({ state, message_id, chat_id }) =>
            state === 'sent' && chat_id === String(vault.chatId) ? [message_id ?? 0] : [],
          ),
        )
      }
      if (JSON.stringify(there) !== JSON.stringify(known)) {
        throw new Error(`the chat has ${there}, the catalog knows ${known}`)
      }
      const open = await openSends(database, {})
      if (open.length !== expected) throw new Error(`open: ${JSON.stringify(open)}`)
    },
    close: async () => {
      end.abort()
      await database.discard()
      await vault.close()
    },
  }
}

/** Gives up soon, so that tests of outages end. */
function packClient(of: { token: string; apiRoot: string }): TelegramClient {
  return createTelegramClient({ ...of, policy: { maxTries: 2, transferTries: 2, retryPauseMs: 5 } })
}

function testProcess(of: {
  database: TestCatalog
  client: TelegramClient
  signal: AbortSignal
  bucket: Bucket
  chat: string
  encryption: { recipients: string[] }
  signingKey: SigningKey
}): TestProcess {
  const { database, bucket, signal } = of
  const writer = new Writer(database)
  const sender = new PackSender({ ...of, vault: createCatalogVault(database), writer })
  const make: TestProcess['make'] = async key => {
    const turn = await sender.takeTurn({ signal })
    const reserved = await reservePack(database, { bucketId: bucket.id, ...turn })
    const bytes = randomBytes(3_000)
    const { packId, sequence, names } = reserved
    const put = {
      ...{ id: randomUUID(), key, size: 100, sha256: hashOf(bytes.subarray(0, 100)), storedAt: new Date() },
      extents: [{ packId, offset: 0, length: 100 }],
    }
    const pack: PackToSend = {
      ...{ packId, sequence, names: names.map(name => name.packId), bucket, createdAt: new Date(), bytes },
      ...{ sha256: hashOf(bytes), plainSize: 2_000, encrypted: true, puts: [put], deletes: [] },
    }
    return { pack, turn }
  }
  return {
    writer,
    sender,
    make,
    store: async key => {
      const { pack, turn } = await make(key)
      const { messageId } = await sender.send(pack, turn, { signal })
      return { pack, messageId }
    },
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
