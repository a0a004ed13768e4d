import { randomUUID } from 'node:crypto'
import type { IndexDrawing } from '@telegram-backup/archive'
import type { KnownChat, OpenSend, VaultLedger } from '#index.ts'

/** A vault ledger in memory, and what a test may do to it. */
export interface MemoryVault extends VaultLedger {
  readonly open: Map<string, OpenSend>
  readonly chats: Map<string, KnownChat>
  /** Ids of messages that the catalog knows. */
  readonly known: Set<number>
  /** Drawn into the index. */
  readonly backups: IndexDrawing['backups']
  /** Intends a part, and returns its send. */
  intend(part: Partial<OpenSend> & { chatId: string }): OpenSend
  /** The same catalog, as a machine would have it that was copied now. */
  copy(): MemoryVault
}

export const CATALOG_ID = '6a3f0c9e-5f0e-4a53-9b6d-0d9b3f5f9c11'

/** A new catalog's ledger. */
export function memoryVault(
  identity: { catalogId: string; generation: number } = { catalogId: CATALOG_ID, generation: 1 },
): MemoryVault {
  const open = new Map<string, OpenSend>()
  const chats = new Map<string, KnownChat>()
  const known = new Set<number>()
  const backups: IndexDrawing['backups'] = []
  let lock: Promise<unknown> = Promise.resolve()

  const chat = (chatId: string): KnownChat => {
    const found = chats.get(chatId) ?? { newestMessageId: 0 }
    chats.set(chatId, found)
    return found
  }
  const raise = (chatId: string, messageId: number): void => {
    const of = chat(chatId)
    of.newestMessageId = Math.max(of.newestMessageId, messageId)
  }
  const intend: MemoryVault['intend'] = send => {
    const opened: OpenSend = {
      id: randomUUID(),
      botId: '',
      purpose: 'part',
      backupId: null,
      evidenceId: null,
      packId: null,
      partNumber: null,
      sourceMessageId: null,
      sha256: null,
      sizeBytes: null,
      afterMessageId: chat(send.chatId).newestMessageId,
      begunAt: new Date(),
      ...send,
    }
    open.set(opened.id, opened)
    return opened
  }
  const begin = async (send: Parameters<typeof intend>[0]): ReturnType<VaultLedger['beginIndex']> => {
    const { id: sendId, afterMessageId } = intend(send)
    return { sendId, afterMessageId }
  }

  return {
    open,
    chats,
    known,
    backups,
    intend,
    copy: () => {
      const twin = memoryVault(identity)
      for (const [id, of] of chats) twin.chats.set(id, structuredClone(of))
      for (const [id, of] of open) twin.open.set(id, structuredClone(of))
      return twin
    },
    identity: async () => identity,
    knownChat: async chatId => structuredClone(chat(chatId)),
    chatMoved: async ({ from, to }) => {
      chat(from).movedTo = to
    },
    beginCopy: ({ backupId = null, ...copy }) => begin({ purpose: 'copy', backupId, ...copy }),
    closeSend: async sendId => {
      open.delete(sendId)
    },
    openSends: async ({ chatId, backupId }) =>
      [...open.values()]
        .filter(send => send.chatId === chatId && (backupId === undefined || send.backupId === backupId))
        .map(send => structuredClone(send)),
    looked: async (sendId, { upTo }) => {
      const send = open.get(sendId)
      if (!send) return
      send.afterMessageId = Math.max(send.afterMessageId, upTo)
      raise(send.chatId, upTo)
    },
    keepLeftover: async ({ messageId }) => {
      known.add(messageId)
    },
    knownMessageIds: async (chatId, { after, upTo }) => {
      const index = chat(chatId).index?.messageId
      return new Set([...known, ...(index ? [index] : [])].filter(id => id > after && id <= upTo))
    },
    beginIndex: index => begin({ purpose: 'index', ...index }),
    drawIndex: async chatId => ({ ...identity, chatId, signers: [], backups: structuredClone(backups) }),
    withIndexLock: async (_chatId, work) => {
      const done = lock.then(work)
      lock = done.catch(() => {})
      return done
    },
    intendIndexEdition: async (chatId, edition) => {
      const { index } = chat(chatId)
      if (index) index.nextEdition = edition
    },
    confirmIndex: async ({ chatId, sendId, names: _, undeletes: __, ...index }) => {
      if (sendId !== undefined) open.delete(sendId)
      chat(chatId).index = index
      raise(chatId, index.messageId)
    },
    forgetIndex: async chatId => {
      delete chat(chatId).index
    },
    beginEvidence: ({ fileName: _, ...document }) => begin({ purpose: 'evidence', ...document }),
    confirmEvidence: async ({ sendId, chatId, messageId }) => {
      open.delete(sendId)
      known.add(messageId)
      raise(chatId, messageId)
      return true
    },
  }
}
