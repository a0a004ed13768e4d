import { listMessages, queryBackups } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eraseBackup } from '#erase/erase-backup.ts'
import { reconcile } from '#reconcile/reconcile.ts'
import type { VaultSession } from '#session/session.ts'
import { sessionOf } from '#test/recover/session-of.ts'

// In a group a forward names who said the words, and not where; and everybody sees who copied them.

let machines: Machines
let old: Machine
let group: number

beforeEach(async () => {
  machines = await openMachines()
  const { emulator } = machines.vault
  const bot = emulator.inspect.bots()[0]
  if (bot === undefined) throw new Error('no bot')
  group = emulator.createChat({ type: 'supergroup', title: 'Vault', administrators: [{ bot }] }).id
  old = await machines.open({ chatId: group })
})

afterEach(() => machines.close())

const alive = (): number[] =>
  machines.vault.emulator.inspect.messages(group).map(({ message_id }) => message_id)

async function copy(messageId: number): Promise<number> {
  const { emulator } = machines.vault
  const message = emulator.inspect.messages(group).find(({ message_id }) => message_id === messageId)
  if (message?.caption === undefined || message.document === undefined) throw new Error('no document')
  const bytes = await emulator.inspect.documentBytes(group, messageId)
  const document = { fileName: message.document.file_name, bytes }
  return await emulator.asHuman.post(group, { caption: message.caption, document })
}

async function forward(messageId: number): Promise<number> {
  return (await old.client.forwardMessage(String(group), String(group), messageId)).messageId
}

function deleteIndex(): void {
  const { emulator } = machines.vault
  const pinned = emulator.inspect.messages(group).findLast(message => message.pinned)
  emulator.asHuman.deleteMessage(group, pinned?.message_id ?? 0)
}

const places = async ({ database }: Machine, id: string): Promise<(number | null)[]> =>
  (await listMessages(database, id)).map(({ message_id }) => message_id)

const session = (machine: Machine): VaultSession => sessionOf(machine, { ...machines.vault, chatId: group })

test.each(['the same bot', 'another bot'])('forwards and copies are not taken for ours by %s', async who => {
  const { emulator } = machines.vault
  const { id } = await old.send(100_000)
  const second = await old.send(1000)
  for (const messageId of await places(old, id)) {
    await forward(Number(messageId))
    await copy(Number(messageId))
  }
  deleteIndex()
  const bot = emulator.createBot()
  emulator.asHuman.promote(group, bot)
  const next = await machines.open({ chatId: group, ...(who === 'another bot' && { token: bot.token }) })
  const before = alive()
  const report = await next.recover()
  expect(report).toMatchObject({ indexFailure: null, refused: [] })
  expect(report.backups.map(backup => [backup.id, backup.findings]).sort()).toEqual(
    [id, second.id].map(one => [one, []]).sort(),
  )
  expect(await places(next, id)).toEqual(await places(old, id))
  expect(alive()).toEqual(expect.arrayContaining(before))
})

test('what a person has copied of an erased backup is no abandoned run, and stays', async () => {
  await old.send(1000)
  const { id } = await old.send(100_000)
  const theirs: number[] = []
  for (const row of await listMessages(old.database, id))
    if (row.kind === 'part') theirs.push(await copy(Number(row.message_id)))
  await eraseBackup(session(old), { backupId: id, evenTheLast: true })
  deleteIndex()
  const next = await machines.open({ chatId: group })
  await next.recover()
  const { data } = await queryBackups(next.database, {})
  expect(data.map(backup => backup.id)).not.toContain(id)
  await reconcile(session(next))
  expect(alive()).toEqual(expect.arrayContaining(theirs))
})
