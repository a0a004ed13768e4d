import { expect, test } from 'vitest'
import { type Stage, setStage } from '#test/bot-client.ts'
import { inTime, lateOnesDone } from '#test/late-calls.ts'

const alive = ({ emulator, chat }: Stage) => emulator.inspect.messages(chat.id).length

test('a late call breaks off, and its message comes afterwards', async () => {
  await inTime(async ms => {
    await using stage = await setStage()
    stage.emulator.faults.on('sendDocument', {}, { kind: 'late', ms })
    await expect(stage.sendDocument('late')).rejects.toThrow('fetch failed')
    const late = stage.emulator.inspect.lateCalls()
    const between = await stage.sendDocument('in between')
    if (alive(stage) !== 1) return false
    expect(late).toBe(1)
    await lateOnesDone(stage)
    const [first, second] = stage.emulator.inspect.messages(stage.chat.id)
    // It gets its id when it is made, not when it was sent.
    expect([first?.message_id, second?.message_id]).toEqual([between.message_id, between.message_id + 1])
    const bytes = await stage.emulator.inspect.documentBytes(stage.chat.id, second?.message_id ?? 0)
    expect(bytes.toString()).toBe('late')
    return true
  })
})

test('a late call may be answered by a proxy that gave up, and the connection stays good', async () => {
  await using stage = await setStage()
  const { emulator, client, chat } = stage
  emulator.faults.on('sendMessage', {}, { kind: 'late', ms: 50, answer: 'bad-gateway' })
  const answer = await client.call('sendMessage', { chat_id: chat.id, text: 'a' })
  expect([answer.status, answer.description]).toEqual([502, expect.stringContaining('nginx')])
  expect((await client.call('getMe')).ok).toBe(true)
  await lateOnesDone(stage)
  expect(alive(stage)).toBe(1)
  expect(emulator.inspect.requests().map(({ fault, status }) => [fault, status])).toEqual([
    ['late', 502],
    [undefined, 200],
  ])
})

test('a late call that is refused when its time comes changes nothing', async () => {
  await inTime(async ms => {
    await using stage = await setStage()
    const { emulator, client, chat } = stage
    emulator.faults.on('sendDocument', {}, { kind: 'late', ms, answer: 'bad-gateway' })
    await expect(stage.sendDocument()).rejects.toThrow()
    if (alive(stage) > 0) return false
    emulator.asHuman.kick(chat.id, client.bot)
    await lateOnesDone(stage)
    expect(alive(stage)).toBe(0)
    return true
  })
})

test('closing forgets what would have been done late', async () => {
  const stage = await setStage()
  stage.emulator.faults.on('sendDocument', {}, { kind: 'late', ms: 3_600_000 })
  await expect(stage.sendDocument()).rejects.toThrow('fetch failed')
  await stage.emulator.close()
  expect([alive(stage), stage.emulator.inspect.lateCalls()]).toEqual([0, 0])
})

test('deleteMessages may say true and have deleted nothing; other calls know no such fault', async () => {
  await using stage = await setStage()
  const { emulator, client, chat } = stage
  const { message_id } = await stage.sendDocument()
  emulator.faults.on('*', { calls: 2 }, { kind: 'false-true' })
  const fields = { chat_id: chat.id, message_ids: [message_id] }
  expect((await client.call('deleteMessages', fields)).result).toBe(true)
  expect(alive(stage)).toBe(1)
  expect((await client.call('getMe')).result).toHaveProperty('is_bot', true)
  expect((await client.call('deleteMessages', fields)).result).toBe(true)
  expect(alive(stage)).toBe(0)
})
