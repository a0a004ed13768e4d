import { Readable } from 'node:stream'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'

// Neither index nor pin: from each manifest one leads to the one before it, over what people wrote.

/** More of them than are looked at before a manifest is believed that names another one. */
const PEOPLES_MESSAGES = 200

let machines: Machines
let machine: Machine

beforeEach(async () => {
  machines = await openMachines()
  machine = await machines.open()
})

afterEach(() => machines.close())

async function peopleWrite(): Promise<void> {
  const { emulator, chatId } = machines.vault
  for (let number = 0; number < PEOPLES_MESSAGES; number++)
    await emulator.asHuman.post(chatId, { text: 'hello' })
}

/** A send that has begun, and waits for its source: before its first byte, and again amid its parts. */
function longSend() {
  const [first, rest] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  async function* slowly(bytes: Buffer): AsyncGenerator<Buffer> {
    await first.promise
    yield bytes.subarray(0, 400_000)
    await rest.promise
    yield bytes.subarray(400_000)
  }
  const rowsOf = async (state: 'sending' | 'sent'): Promise<number> => {
    const { kysely } = machine.database
    const running = await kysely.selectFrom('backups').select('id').where('state', '=', 'sending').execute()
    if (state === 'sending') return running.length
    const ids = running.map(({ id }) => id)
    const sent = kysely.selectFrom('backup_parts').select('part_no').where('state', '=', 'sent')
    return ids.length && (await sent.where('backup_id', 'in', ids).execute()).length
  }
  const ended = machine.send(500_000, {
    readFrom: bytes => Readable.from(slowly(bytes), { objectMode: false }),
  })
  return {
    hasBegun: () => expect.poll(() => rowsOf('sending')).toBe(1),
    sendsParts: async () => {
      first.resolve()
      await expect.poll(() => rowsOf('sent')).toBeGreaterThan(0)
    },
    end: async () => {
      first.resolve()
      rest.resolve()
      return await ended
    },
  }
}

test.each(['and one amid its parts', 'and none amid its parts'])(
  'leads to what ended between the beginning of a long send and its first part: %s',
  async how => {
    const before = await machine.send(1000)
    await peopleWrite()
    const long = longSend()
    await long.hasBegun()
    const between = await machine.send(1000)
    await peopleWrite()
    await long.sendsParts()
    const amid = how.startsWith('and one') ? [await machine.send(1000)] : []
    const last = await long.end()
    const { emulator, chatId } = machines.vault
    const index = emulator.inspect.messages(chatId).find(message => message.pinned)
    emulator.asHuman.deleteMessage(chatId, index?.message_id ?? 0)

    const next = await machines.open()
    let looks = 0
    const report = await next.recover({ onLook: () => looks++ })
    const sent = [last, ...amid, between, before]
    expect(report).toMatchObject({ index: null, refused: [], unread: 0, indexFailure: null })
    expect(report.backups.map(({ id, findings }) => [id, findings])).toEqual(sent.map(({ id }) => [id, []]))
    expect(looks).toBeLessThan(2 * PEOPLES_MESSAGES)
    expect((await next.fetch(last.id)).equals(last.bytes)).toBe(true)
  },
)
