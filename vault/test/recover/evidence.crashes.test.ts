import {
  evidenceMessages as evidenceMessagesOf,
  listVerifications,
  proofFacts,
  unpostedEvidence,
} from '@telegram-backup/database'
import { addEvidence } from '@telegram-backup/test-support/evidence-records.ts'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { expectNothingLost } from '@telegram-backup/test-support/nothing-lost.ts'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type PostedEvidence, postEvidence } from '#evidence/post-evidence.ts'
import { reconcile } from '#reconcile/reconcile.ts'
import { sessionOf } from '#test/recover/session-of.ts'

let machines: Machines
let old: Machine
let backupId: string

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
  backupId = (await old.send(1000)).id
})
afterEach(() => machines.close())

async function drill(machine: Machine = old, id = backupId): Promise<string> {
  const backup = { id, created_at: '2026-12-01T01:00:00.000Z', size: 1000 }
  return (await addEvidence(machine.database, machine.signingKey, { backup })).id
}

const post = (machine: Machine = old, replica?: number): Promise<PostedEvidence> =>
  postEvidence(sessionOf(machine, machines.vault, replica))

function evidenceMessages(chatId = machines.vault.chatId): number[] {
  return machines.vault.emulator.inspect
    .messages(chatId)
    .filter(({ caption }) => caption?.includes('\ntelegram-backup 1 evidence='))
    .map(({ message_id }) => message_id)
}

/** The dates of messages as a catalog has them, null where it does not know. */
async function datesIn({ database }: Machine): Promise<(number | null)[]> {
  const { rows } = await sql<{ sent_at: Date | null }>`
    select sent_at from control_plane.evidence_messages order by message_id`.execute(database.kysely)
  return rows.map(({ sent_at }) => sent_at && sent_at.getTime() / 1000)
}

async function numbersIn({ database }: Machine): Promise<number[]> {
  const { rows } = await sql<{ number: number }>`
    select number from control_plane.evidence order by number`.execute(database.kysely)
  return rows.map(({ number }) => Number(number))
}

/** People write, or delete the index. */
function lose(messageId: number): void {
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, messageId)
}
const indexMessage = (): number =>
  machines.vault.emulator.inspect.messages(machines.vault.chatId).findLast(({ pinned }) => pinned)
    ?.message_id ?? 0

describe('evidence', () => {
  test('is posted once, named by the index, and encrypted: the caption shows its hash and not its result', async () => {
    await drill()
    const id = await drill()
    expect((await post()).posted.map(({ number }) => number)).toEqual([1, 2])
    expect(await post()).toEqual({ posted: [], left: [] })
    expect((await machines.index()).evidence).toMatchObject([{ number: 1 }, { number: 2, id }])
    const [, message] = machines.vault.emulator.inspect
      .messages(machines.vault.chatId)
      .filter(({ caption }) => caption?.includes(' evidence='))
    expect(message?.caption).toMatch(
      /^shop · evidence 2 · restore drill of [0-9a-f]{8} · .*\ntelegram-backup 1 evidence=[0-9a-f-]{36} record=[0-9a-f]{64} sha256=[0-9a-f]{64} previous=\d+ catalog=/,
    )
    const bytes = await machines.vault.emulator.inspect.documentBytes(
      machines.vault.chatId,
      message?.message_id ?? 0,
    )
    expect(bytes.toString('latin1')).toMatch(/^age-encryption\.org\/v1/)
    await expectNothingLost(machines.vault, { database: old.database, chatId: machines.vault.chatId })
  })

  test.each(['its answer is lost', 'two processes send it at once'])('is there once when %s', async how => {
    await drill()
    const { faults } = machines.vault.emulator
    if (how === 'its answer is lost') {
      faults.on('sendDocument', { calls: 1 }, { kind: 'answer-lost' })
      await post()
    } else await Promise.all([post(), post(), post()])
    await reconcile(sessionOf(old, machines.vault))
    expect(evidenceMessages()).toHaveLength(1)
    expect(await unpostedEvidence(old.database, String(machines.vault.chatId), 9)).toEqual([])
    await expectNothingLost(machines.vault, { database: old.database, chatId: machines.vault.chatId })
  })

  test.each(['by the index', 'without an index', 'by another bot'])(
    'comes back on an empty machine %s, with its proof, and the chain goes on',
    async how => {
      const [first] = [await drill(), await drill()]
      await post()
      if (how === 'without an index') lose(indexMessage())
      const { emulator, chatId } = machines.vault
      const bot = how === 'by another bot' ? emulator.createBot() : undefined
      if (bot) emulator.asHuman.promote(chatId, bot)
      const next = await machines.open(bot ? { token: bot.token } : {})
      const report = await next.recover()
      expect(report).toMatchObject({ evidence: 2, indexFailure: null })
      expect(report.notes.filter(note => /evidence/i.test(note))).toEqual([])
      expect(await numbersIn(next)).toEqual([1, 2])
      // By the index, no message was looked at: its date is not made up from the record.
      expect(await datesIn(next)).toEqual(how === 'by the index' ? [null, null] : await datesIn(old))
      const proofs = await listVerifications(next.database, backupId)
      expect(proofs).toMatchObject([
        { kind: 'drill', state: 'sound', depth: 'contents', actor: 'the service' },
        { kind: 'drill', state: 'sound', report: { state: 'passed', compared: { contents: 'equal' } } },
      ])
      expect((await machines.index()).evidence?.map(({ id }) => id)).toContain(first)
      await drill(next)
      await post(next)
      expect(evidenceMessages()).toHaveLength(3)
      const third = await machines.open(bot ? { token: bot.token } : {})
      await third.recover()
      expect(await numbersIn(third)).toEqual([1, 2, 3])
    },
  )

  test.each([
    ['DIFFERENT', { outcome: 'differs', compared: { contents: 'different', tables: 2, rows: 30 } }],
    ['POSTGRES', { outcome: 'not restored', error: { code: 'POSTGRES', words: 'It was refused' } }],
  ] as const)('of a failed drill (%s) comes back as the last one', async (code, failed) => {
    const backup = { id: backupId, created_at: '2026-12-01T01:00:00.000Z', size: 1000 }
    const times = { started_at: '2026-12-01T04:00:00.000Z', ended_at: '2026-12-01T04:01:00.000Z' }
    const later = { id: crypto.randomUUID(), ...times, seconds: 60, where: 'a server of its own' }
    await drill()
    await addEvidence(old.database, old.signingKey, { backup, drill: later, ...failed })
    await post()
    const next = await machines.open()
    await next.recover()
    expect(await listVerifications(next.database, backupId)).toMatchObject([
      { state: 'failed', code },
      { state: 'sound', code: null },
    ])
    expect(await proofFacts(next.database)).toMatchObject([
      {
        members: [
          { is_drilled: true, last_drill: { id: later.id, state: 'failed', differs: code === 'DIFFERENT' } },
        ],
      },
    ])
  })

  test('far below all else is found by the captions of later records, without an index', async () => {
    await drill()
    await post()
    const { emulator, chatId } = machines.vault
    for (let words = 0; words < 120; words++) await emulator.asHuman.post(chatId, { text: 'hello' })
    await old.send(1000)
    await drill()
    await post()
    lose(indexMessage())
    const next = await machines.open()
    await next.recover()
    expect(await numbersIn(next)).toEqual([1, 2])
  })

  test.each(['this bot', 'another bot'])('that a person deleted: %s, and what it can do', async who => {
    for (let count = 0; count < 3; count++) await drill()
    await post()
    const [, second = 0] = evidenceMessages()
    lose(second)
    const { emulator, chatId } = machines.vault
    const bot = who === 'another bot' ? emulator.createBot() : undefined
    if (bot) emulator.asHuman.promote(chatId, bot)
    const next = await machines.open(bot ? { token: bot.token } : {})
    const report = await next.recover()
    if (bot) {
      expect(report.notes.join(' ')).toMatch(/is gone\. .*1 records? before number 3, the first one number 2/)
      expect(await numbersIn(next)).toEqual([1, 3])
      return
    }
    // The file outlives its message, and the record is sent again.
    expect(await numbersIn(next)).toEqual([1, 2, 3])
    expect((await post(next)).posted).toMatchObject([{ number: 2 }])
    expect(evidenceMessages()).toHaveLength(3)
  })

  test('that somebody copied counts once, and keeps the message with the first date', async () => {
    const id = await drill()
    await post()
    const [original = 0] = evidenceMessages()
    const { emulator, chatId, token } = machines.vault
    await fetch(`${emulator.url}/bot${token}/copyMessage`, {
      method: 'POST',
      body: new URLSearchParams({
        chat_id: `${chatId}`,
        from_chat_id: `${chatId}`,
        message_id: `${original}`,
      }),
    })
    lose(indexMessage())
    const next = await machines.open()
    const report = await next.recover()
    expect(evidenceMessages()).toHaveLength(2)
    expect(report.evidence).toBe(1)
    expect(await evidenceMessagesOf(next.database, id)).toMatchObject([{ message_id: original }])
  })

  test('is in each of two chats, and is not copied again after a recovery', async () => {
    const { emulator } = machines.vault
    const [bot] = emulator.inspect.bots()
    if (bot === undefined) throw new Error('no bot')
    const replica = emulator.createChat({ type: 'channel', title: 'Copy', administrators: [{ bot }] }).id
    const sent = await old.send(1000, { replicaChatId: String(replica) })
    await drill(old, sent.id)
    await post(old, replica)
    expect([evidenceMessages(), evidenceMessages(replica)].map(({ length }) => length)).toEqual([1, 1])
    await reconcile(sessionOf(old, machines.vault, replica))
    for (const chatId of [machines.vault.chatId, replica])
      await expectNothingLost(machines.vault, { database: old.database, chatId })
    const next = await machines.open()
    await next.recover({ replicaChat: String(replica) })
    expect(await numbersIn(next)).toEqual([1])
    await post(next, replica)
    expect([evidenceMessages(), evidenceMessages(replica)].map(({ length }) => length)).toEqual([1, 1])
  })
})
