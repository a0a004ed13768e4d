import { kickedRefusal, migratedRefusal, notMemberRefusal, refusal } from '#answers.ts'
import type { DocumentStore } from '#files/document-store.ts'
import type { EmulatorLimits } from '#limits.ts'
import type { LongPolls } from '#methods/long-polls.ts'
import type { Turn } from '#methods/turn.ts'
import { parseJson } from '#requests/request-body.ts'
import { integerOf, type RequestParameters } from '#requests/request-parameters.ts'
import type { Bot, Chat, Membership, Message } from '#world/records.ts'
import { boxOf, isNumberedByChat, type World } from '#world/world.ts'

const MAX_INT32 = 2 ** 31 - 1

/** One call of a method by a bot that is known. */
export interface MethodCall {
  readonly bot: Bot
  readonly parameters: RequestParameters
  readonly world: World
  readonly store: DocumentStore
  readonly limits: EmulatorLimits
  readonly turn: Turn
  readonly polls: LongPolls
  /** Aborted when the client goes away or the emulator closes. */
  readonly signal: AbortSignal
}

/**
 * Does a method's work and gives its `result`, or throws ApiRefusal. Only a long poll answers later: a method
 * whose turn comes later throws ServedLater, before it has done anything, and is called again then.
 */
export type Method = (call: MethodCall) => unknown

/** A chat with the calling bot's place in it. */
export interface ChatAccess {
  readonly chat: Chat
  readonly membership: Membership
  /** The counter of the messages that the bot sees there. */
  readonly box: string
}

/**
 * Reading is allowed to a bot that has left or was thrown out of a basic group, and in a group that became a
 * supergroup; changing is not. To ask for members other than oneself counts as changing.
 */
type AccessRights = 'read' | 'change'

/** The chat that a parameter names, if the bot may do that to it (telegram-bot-api check_chat_access). */
export function accessChat(
  call: MethodCall,
  rights: AccessRights = 'change',
  parameter = 'chat_id',
): ChatAccess {
  const text = call.parameters.text(parameter)
  if (text === '') throw refusal('chatIdEmpty')
  const chat = call.world.chats.get(integerOf(text))
  const membership = chat && call.world.membership(chat.id, call.bot.id)
  if (chat === undefined || membership === undefined) throw refusal('chatNotFound')
  // Reading passes; whether an edit does is a guess, since the source leaves it to Telegram.
  if (rights !== 'read' && chat.migratedTo !== undefined) throw migratedRefusal(chat.migratedTo)
  const isOpen = rights === 'read' && !isNumberedByChat(chat)
  if (membership.status === 'kicked' && !isOpen) {
    throw chat.type === 'private' ? refusal('blockedByUser') : kickedRefusal(chat.type)
  }
  if (membership.status === 'left' && !isOpen) throw notMemberRefusal(chat.type)
  return { chat, membership, box: boxOf(chat, call.bot.id) }
}

/** The message that `message_id` names in the chat; undefined when there is none. */
export function findMessage(call: MethodCall, access: ChatAccess): Message | undefined {
  return call.world.message(access.box, access.chat.id, messageIdOf(call))
}

/** `message_id` as a number; anything that cannot be one is 0. */
export function messageIdOf(call: MethodCall): number {
  return Math.max(0, call.parameters.integer('message_id'))
}

/** `message_ids`, a JSON array of numbers or numbers as strings (telegram-bot-api get_message_ids). */
export function messageIdsOf(call: MethodCall): number[] {
  const text = call.parameters.text('message_ids')
  if (text === '') throw refusal('messageIdsMissing')
  const parsed = parseJson(text)
  if (parsed === undefined) throw refusal('messageIdsUnparsable')
  if (!Array.isArray(parsed)) throw refusal('messageIdsNoArray')
  if (parsed.length > call.limits.maxMessageIds) throw refusal('messageIdsTooMany')
  if (parsed.length === 0) throw refusal('messageIdsMissing')
  return parsed.map(parseMessageId)
}

function parseMessageId(value: unknown): number {
  if (typeof value !== 'number' && typeof value !== 'string') throw refusal('messageIdNoNumber')
  if (!/^-?\d+$/.test(String(value)) || Number(value) > MAX_INT32) throw refusal('messageIdUnparsable')
  if (Number(value) <= 0) throw refusal('messageIdInvalid')
  return Number(value)
}
