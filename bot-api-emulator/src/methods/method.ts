import { kickedRefusal, notMemberRefusal, refusal } from '#answers.ts'
import type { DocumentStore } from '#files/document-store.ts'
import { integerOf, type RequestParameters } from '#http/request-parameters.ts'
import type { EmulatorLimits } from '#limits.ts'
import type { Pace } from '#methods/pace.ts'
import type { Bot, Chat, Membership, Message } from '#world/records.ts'
import { boxOf, type World } from '#world/world.ts'

/** One call of a method by a bot that is known. */
export interface MethodCall {
  readonly bot: Bot
  readonly parameters: RequestParameters
  readonly world: World
  readonly store: DocumentStore
  readonly limits: EmulatorLimits
  readonly pace: Pace
  /** Aborted when the client goes away or the emulator closes. */
  readonly signal: AbortSignal
}

/** Does a method's work and gives its `result`, or throws ApiRefusal. Only a long poll answers later. */
export type Method = (call: MethodCall) => unknown

/** A chat with the calling bot's place in it. */
export interface ChatAccess {
  readonly chat: Chat
  readonly membership: Membership
  /** The counter of the messages that the bot sees there. */
  readonly box: string
}

/** The chat that a parameter names, if the bot may see it (telegram-bot-api check_chat_access). */
export function accessChat(call: MethodCall, parameter = 'chat_id'): ChatAccess {
  const text = call.parameters.text(parameter)
  if (text === '') throw refusal('chatIdEmpty')
  const chat = call.world.chats.get(integerOf(text))
  const membership = chat && call.world.membership(chat.id, call.bot.id)
  if (chat === undefined || membership === undefined) throw refusal('chatNotFound')
  if (membership.status === 'kicked') {
    throw chat.type === 'private' ? refusal('blockedByUser') : kickedRefusal(chat.type)
  }
  if (membership.status === 'left') throw notMemberRefusal(chat.type)
  return { chat, membership, box: boxOf(chat, call.bot.id) }
}

/** The message that `message_id` names in the chat; undefined when there is none. A negative id reads as 0. */
export function findMessage(call: MethodCall, access: ChatAccess): Message | undefined {
  return call.world.message(access.box, access.chat.id, messageIdOf(call))
}

/** `message_id` as a number; anything that cannot be one is 0. */
export function messageIdOf(call: MethodCall): number {
  return Math.max(0, call.parameters.integer('message_id'))
}
