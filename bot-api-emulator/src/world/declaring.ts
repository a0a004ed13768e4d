import { randomBytes } from 'node:crypto'
import { EmulatorError } from '#errors.ts'
import type { ReceivedFile } from '#files/document-store.ts'
import { cleanFileName, extensionOf } from '#files/file-names.ts'
import { mimeTypeOf } from '#files/mime-types.ts'
import { serviceMessage } from '#world/posting.ts'
import type { AdministratorRights, Bot, Chat, ChatType } from '#world/records.ts'
import { ALL_RIGHTS } from '#world/rights.ts'
import { isNumberedByChat, type World } from '#world/world.ts'

const FIRST_BOT_ID = 7_000_000_001
const FIRST_USER_ID = 5_000_000_001
const FIRST_GROUP_ID = 4_000_000_001
const FIRST_CHANNEL_ID = 2_000_000_001
/** Where the ids of supergroups and channels begin, going down (telegram-bot-api get_supergroup_chat_id). */
const CHANNEL_ID_BASE = -1_000_000_000_000

const CHAT_TYPES: readonly ChatType[] = ['channel', 'supergroup', 'group', 'private']

/** A chat to make. `rights` that are not named are given; anonymity is not. */
export interface ChatDeclaration {
  readonly type: ChatType
  readonly title?: string
  readonly administrators?: ReadonlyArray<{
    readonly bot: { readonly id: number }
    readonly rights?: Partial<AdministratorRights>
  }>
  readonly members?: ReadonlyArray<{ readonly id: number }>
}

/** Adds a bot account with a fresh token. */
export function declareBot(world: World, username?: string): Bot {
  const id = FIRST_BOT_ID + world.bots.size
  const name = username ?? `emulated_${world.bots.size + 1}_bot`
  const bot: Bot = { id, token: freshToken(id), username: name, firstName: name }
  world.commit({ kind: 'bot', bot })
  return bot
}

/** A token as BotFather gives them: the id, a colon, 35 characters of base64url. */
export function freshToken(botId: number): string {
  return `${botId}:AA${randomBytes(25).toString('base64url').slice(0, 33)}`
}

/**
 * Adds a chat. Channels and supergroups begin with a service message, which takes id 1. Throws EmulatorError
 * UNKNOWN_BOT, and BAD_REQUEST for an unknown type or a private chat without exactly one bot.
 */
export function declareChat(world: World, declaration: ChatDeclaration): Chat {
  const administrators = declaration.administrators ?? []
  const members = declaration.members ?? []
  for (const { id } of [...administrators.map(({ bot }) => bot), ...members]) {
    if (!world.bots.has(id)) throw new EmulatorError(`There is no bot ${id}.`, { code: 'UNKNOWN_BOT' })
  }
  if (!CHAT_TYPES.includes(declaration.type)) {
    throw new EmulatorError(`There are no chats of type ${declaration.type}.`, { code: 'BAD_REQUEST' })
  }
  if (declaration.type === 'private' && administrators.length + members.length !== 1) {
    throw new EmulatorError('A private chat has exactly one bot.', { code: 'BAD_REQUEST' })
  }
  const serial = world.chats.size
  const id = newChatId(world, declaration.type)
  const chat: Chat = {
    id,
    type: declaration.type,
    title: declaration.title ?? `Emulated ${declaration.type} ${serial + 1}`,
    ownerId: declaration.type === 'private' ? id : FIRST_USER_ID + serial,
  }
  world.commit({ kind: 'chat', chat })
  // Before any bot is there to hear of it.
  if (isNumberedByChat(chat)) {
    serviceMessage(world, { chat, authorId: chat.ownerId, event: { type: 'created' } })
  }
  for (const { bot, rights } of administrators) {
    const membership = { status: 'administrator', rights: { ...ALL_RIGHTS, ...rights } } as const
    world.commit({ kind: 'membership', chatId: id, userId: bot.id, membership })
  }
  for (const bot of members) {
    world.commit({ kind: 'membership', chatId: id, userId: bot.id, membership: { status: 'member' } })
  }
  return chat
}

/** Makes a received file a document, whose bytes are kept for good; gives its number. */
export function declareDocument(world: World, received: ReceivedFile, rawFileName: Buffer): number {
  const fileName = cleanFileName(rawFileName)
  const number = world.documents.size + 1
  const { storedAs, sizeBytes, sha256 } = received
  const mimeType = mimeTypeOf(extensionOf(fileName))
  world.commit({
    kind: 'document',
    document: { number, storedAs, sizeBytes, sha256, fileName, mimeType },
  })
  return number
}

/** The id of the next chat, whose range tells the type. */
export function newChatId(world: World, type: ChatType): number {
  const serial = world.chats.size
  switch (type) {
    case 'private':
      return FIRST_USER_ID + serial
    case 'group':
      return -(FIRST_GROUP_ID + serial)
    default:
      return CHANNEL_ID_BASE - (FIRST_CHANNEL_ID + serial)
  }
}
