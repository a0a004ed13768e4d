import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, queryBackups, setRetentionPolicy } from '@telegram-backup/database'
import { type KillPoint, killRunAt } from '@telegram-backup/test-support/killed-run.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  expectAtRest,
  openCatalogOf,
  openChat,
  type TestChat,
} from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let vault: TestVault
let chat: TestChat
let database: Database
let path: string

beforeAll(async () => {
  vault = await openTestVault()
  chat = await openChat(vault)
  database = await openCatalogOf(chat.env)
  path = join(vault.folder, 'a.txt')
  await writeFile(path, 'a few bytes')
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

/** Four backups of a project whose policy keeps one; the id of that one. */
async function sendFour(project: string): Promise<string> {
  for (let sent = 0; sent < 4; sent++) {
    const run = await runCli(['send', '--project', project, '--type', 'storage', '--file', path], chat)
    expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  }
  await setRetentionPolicy(database, { project_id: project, type: 'storage', keep: { last: 1 } })
  const { data } = await queryBackups(database, { projectId: project })
  return data[0]?.id ?? ''
}

async function expectOnly(project: string, newest: string): Promise<void> {
  const { data } = await queryBackups(database, { projectId: project })
  expect(data.map(({ id, state }) => [id, state])).toEqual(
    data.map(({ id }) => [id, id === newest ? 'complete' : 'erased']),
  )
  await expectAtRest(chat, database)
}

const points: [string, KillPoint, string][] = [
  ['the index says that they go', { method: 'editmessagemedia', phase: 'kept', nth: 1 }, 'marked'],
  ['half of the messages are gone', { method: 'deletemessage', phase: 'kept', nth: 3 }, 'half'],
  ['the last message is gone', { method: 'deletemessage', phase: 'kept', nth: 6 }, 'gone'],
  ['the index names them no more', { method: 'editmessagemedia', phase: 'kept', nth: 2 }, 'unnamed'],
]

it.each(points)('killed when %s, the next reconcile goes on with all of them', async (_, at, project) => {
  const newest = await sendFour(project)
  await killRunAt(vault.emulator, ['expire', '--yes'], { at, env: chat.env })
  const { data } = await queryBackups(database, { projectId: project, state: 'erasing' })
  expect(data).toHaveLength(3)
  const run = await runCli(['reconcile', '--json'], chat)
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  await expectOnly(project, newest)
})

it('two at once end well both, whatever each of them does', async () => {
  const newest = await sendFour('twice')
  const runs = await Promise.all([1, 2].map(() => runCli(['expire', '--yes', '--json'], chat)))
  expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toMatchObject([{ code: 0 }, { code: 0 }])
  await expectOnly('twice', newest)
})
