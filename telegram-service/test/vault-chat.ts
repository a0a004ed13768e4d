import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { openIndex, type VaultIndex } from '@telegram-backup/archive'
import type { ChatType } from '@telegram-backup/bot-api-emulator'
import {
  type IndexOptions,
  type OpenSend,
  type SentDocument,
  type TelegramClient,
  writeCaption,
} from '#index.ts'
import { type EmulatedChat, emulatedChat, sharedSigningKey } from '#test/emulated-chat.ts'
import { CATALOG_ID, type MemoryVault, memoryVault } from '#test/memory-vault.ts'

/** A chat with the ledger of its catalog, and messages to lose in it. */
export interface VaultChat extends EmulatedChat {
  readonly vault: MemoryVault
  /** As text. */
  readonly chat: string
  readonly indexOptions: IndexOptions
  /** A part of a backup of its own, intended and not sent. */
  intendPart(of?: { backupId?: string; partNumber?: number }): IntendedPart
  sendPart(part: IntendedPart, client?: TelegramClient): Promise<SentDocument>
  /** What the pinned index says. */
  readIndex(messageId: number): Promise<VaultIndex>
  /** Ids of what is alive in the chat. */
  alive(): number[]
  /** The kinds and numbers of open sends. */
  open(): string[]
}

export interface IntendedPart {
  send: OpenSend
  bytes: Buffer
  caption: string
}

/** A channel unless told otherwise. */
export async function vaultChat(type: ChatType = 'channel'): Promise<VaultChat> {
  const emulated = await emulatedChat()
  const { emulator, client, botId } = emulated
  const bot = { id: botId }
  const chatId =
    type === 'channel'
      ? emulated.chatId
      : emulator.createChat(
          type === 'private' ? { type, members: [bot] } : { type, title: 'Vault', administrators: [{ bot }] },
        ).id
  const chat = String(chatId)
  const vault = memoryVault()
  const indexOptions: IndexOptions = {
    chatId: chat,
    encryption: 'off',
    signingKey: await sharedSigningKey(),
  }
  return {
    ...emulated,
    chatId,
    chat,
    vault,
    indexOptions,
    intendPart: ({ backupId = randomUUID(), partNumber = 1 } = {}) => {
      const bytes = randomBytes(1000)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const send = vault.intend({
        chatId: chat,
        botId: client.botId,
        purpose: partNumber === 0 ? 'manifest' : 'part',
        backupId,
        partNumber,
        sha256,
        sizeBytes: bytes.length,
      })
      const caption = writeCaption({
        project: 'shop',
        type: 'database',
        createdAt: new Date(),
        backupId,
        content: partNumber === 0 ? { kind: 'manifest' } : { kind: 'part', number: partNumber, last: false },
        sha256,
        catalog: { id: CATALOG_ID, generation: 1 },
      })
      return { send, bytes, caption }
    },
    sendPart: ({ bytes, caption }, by = client) =>
      by.sendDocument({ chatId: chat, fileName: 'part.zst', bytes, caption }),
    readIndex: async messageId => {
      const bytes = await emulator.inspect.documentBytes(chatId, messageId)
      return (await openIndex(bytes, { encrypted: false, identities: [] })).index
    },
    alive: () => emulator.inspect.messages(chatId).map(message => message.message_id),
    open: () =>
      [...vault.open.values()].map(({ purpose, partNumber }) => `${purpose} ${partNumber ?? ''}`.trim()),
  }
}
