import {
  beginCopy,
  beginEvidence,
  beginIndex,
  catalogIdentity,
  chatMoved,
  chatRecord,
  closeSend,
  confirmEvidence,
  confirmIndex,
  type Database,
  forgetIndex,
  intendIndexEdition,
  keepLeftover,
  knownMessageIds,
  looked,
  openSends,
  withIndexLock,
} from '@telegram-backup/database'
import type { KnownChat, VaultLedger } from 'telegram-deployment-bot'
import { drawIndex } from '#ledger/draw-index.ts'

/** What the catalog knows of chats, behind the interface of the telegram service. */
export function createCatalogVault(database: Database): VaultLedger {
  return {
    identity: () => catalogIdentity(database),
    knownChat: chatId => knownChat(database, chatId),
    chatMoved: move => chatMoved(database, move),
    beginCopy: copy => beginCopy(database, copy),
    closeSend: sendId => closeSend(database, sendId),
    openSends: async of => {
      const sends = await openSends(database, of)
      return sends.map(send => ({ ...send, botId: send.botId ?? '' }))
    },
    looked: (sendId, seen) => looked(database, sendId, seen),
    keepLeftover: message => keepLeftover(database, message),
    knownMessageIds: (chatId, range) => knownMessageIds(database, chatId, range),
    beginIndex: index => beginIndex(database, index),
    drawIndex: chatId => drawIndex(database, chatId),
    withIndexLock: (chatId, work) => withIndexLock(database, chatId, work),
    intendIndexEdition: (chatId, edition) => intendIndexEdition(database, chatId, edition),
    confirmIndex: index => confirmIndex(database, index),
    forgetIndex: chatId => forgetIndex(database, chatId),
    beginEvidence: document => beginEvidence(database, document),
    confirmEvidence: message => confirmEvidence(database, message),
  }
}

async function knownChat(database: Database, chatId: string): Promise<KnownChat> {
  const record = await chatRecord(database, chatId)
  if (record === null) return { newestMessageId: 0 }
  const { newestMessageId, movedTo, index } = record
  return {
    newestMessageId,
    ...(movedTo === null ? {} : { movedTo }),
    ...(index === null ? {} : { index: knownIndex(index) }),
  }
}

function knownIndex({ nextEdition, ...index }: IndexRecord): NonNullable<KnownChat['index']> {
  return nextEdition === null ? index : { ...index, nextEdition }
}

type IndexRecord = NonNullable<NonNullable<Awaited<ReturnType<typeof chatRecord>>>['index']>
