import { expect, test } from 'vitest'
import { type Answer, clientFor, type Stage, setStage } from '#test/bot-client.ts'

/** One refusal: the call, and the description behind `Bad Request: `. */
export interface RefusalCase {
  readonly name: string
  readonly method: string
  readonly parameters: (stage: PreparedStage) => Record<string, unknown>
  readonly expected: string
}

/** A channel with one message of each kind. */
interface PreparedStage extends Stage {
  /** A document by the bot, with the caption `first`. */
  readonly sent: number
  /** A text by the bot. */
  readonly text: number
  readonly fileId: string
  /** A file_id of another bot for the same document. */
  readonly foreignFileId: string
}

/** The id of no message. */
export const MISSING = 9999

/** Parameters that need nothing but the channel. */
export function inChat(fields: Record<string, unknown>): RefusalCase['parameters'] {
  return ({ chat }) => ({ chat_id: chat.id, ...fields })
}

/** Parameters of forwarding and copying within the channel. */
export function withinChat(fields: Record<string, unknown>): RefusalCase['parameters'] {
  return ({ chat }) => ({ chat_id: chat.id, from_chat_id: chat.id, ...fields })
}

/** Runs every case, and sees that a refused call changes nothing. */
export function testRefusals(cases: readonly RefusalCase[]): void {
  test.for(cases)('refuses exactly: $name', async ({ method, parameters, expected }) => {
    await using stage = await setStage()
    const prepared = await prepare(stage)
    const before = stage.emulator.inspect.allMessages(stage.chat.id)
    const answer = await stage.client.call(method, parameters(prepared))
    expect(failureOf(answer)).toEqual([400, `Bad Request: ${expected}`])
    expect(stage.emulator.inspect.allMessages(stage.chat.id)).toEqual(before)
  })
}

/** Status and description of an answer that must not be ok. */
export function failureOf({ status, description, ok }: Answer): [number, string] {
  expect(ok).toBe(false)
  return [status, description]
}

async function prepare(stage: Stage): Promise<PreparedStage> {
  const { emulator, chat, client } = stage
  const document = await stage.sendDocument('content', 'a.zst', { caption: 'first' })
  const text = await client.call('sendMessage', { chat_id: chat.id, text: 'hello' })
  const other = clientFor(emulator, emulator.createBot())
  emulator.asHuman.promote(chat.id, other.bot)
  const forward = { chat_id: chat.id, from_chat_id: chat.id, message_id: document.message_id }
  const seenByOther = await other.call('forwardMessage', forward)
  return {
    ...stage,
    sent: document.message_id,
    text: text.result.message_id,
    fileId: document.document.file_id,
    foreignFileId: seenByOther.result.document.file_id,
  }
}
