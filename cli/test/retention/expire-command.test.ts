import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expectAtRest, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let chat: TestChat
let database: TestCatalog
let path: string

beforeAll(async () => {
  vault = await openTestVault()
  database = await openTestCatalog()
  chat = await openChat(vault)
  Object.assign(chat.env, database.env)
  path = join(vault.folder, 'a.txt')
  await writeFile(path, 'a few bytes')
})

afterAll(async () => {
  await database.discard()
  await vault.close()
})

async function cli(...args: string[]) {
  const run = await callCli([...args, '--json'], chat)
  return { code: run.code, json: run.json() as Record<string, unknown>, said: run.stderr }
}

async function send(): Promise<string> {
  const { json } = await cli('send', '--project', 'shop', '--type', 'storage', '--file', path)
  return (json as unknown as IntegratedBackupResult).databaseRecord?.id ?? ''
}

interface Decided {
  decisions: { id: string; decision: string; reason: string }[]
  erased_backups: { backup_id: string }[]
}

it('keeps what a policy and a pin keep, asks for a word before more than half goes, and erases in the chat', async () => {
  const ids = [await send(), await send(), await send(), await send()]
  const [first, second, third, fourth] = ids as [string, string, string, string]
  expect(await cli('pin', first.slice(0, 8))).toMatchObject({ code: 0, json: { id: first } })
  const refused = await cli('erase', first)
  expect(refused).toMatchObject({
    code: 1,
    json: { code: 'CONFLICT', hint: expect.stringContaining(`unpin ${first.slice(0, 8)}`) },
  })
  expect(refused.said).not.toContain('erasing')

  const set = ['retention', 'set', '--project', 'shop', '--type', 'storage']
  expect(await cli(...set, '--keep-last', '1')).toMatchObject({ code: 0, json: { keep: { last: 1 } } })
  expect((await chat.index()).retention).toMatchObject([{ project: 'shop', type: 'storage' }])
  expect(await cli('unpin', first)).toMatchObject({ code: 0, json: { pinned_at: null } })
  const held = await cli('expire')
  expect(held.code).toBe(3)
  expect((held.json as unknown as Decided).erased_backups).toEqual([])
  expect(
    (held.json as unknown as Decided).decisions.filter(({ decision }) => decision === 'held'),
  ).toHaveLength(3)

  expect((await cli('pin', first)).code).toBe(0)
  const dry = await cli('expire', '--dry-run')
  const wanted = [
    {
      id: fourth,
      project_id: 'shop',
      type: 'storage',
      source: null,
      decision: 'keep',
      reason: 'last 1 of 1',
    },
    expect.objectContaining({ id: third, decision: 'erase', reason: 'no rule keeps it' }),
    expect.objectContaining({ id: second, decision: 'erase' }),
    expect.objectContaining({ id: first, decision: 'keep', reason: 'pinned' }),
  ]
  expect(dry).toMatchObject({ code: 0, json: { dry_run: true, decisions: wanted } })

  const done = await cli('expire')
  expect(done).toMatchObject({ code: 0 })
  expect((done.json as unknown as Decided).erased_backups.map(({ backup_id }) => backup_id).sort()).toEqual(
    [second, third].sort(),
  )
  await expectAtRest(chat, database)
  const history = await cli('show', second)
  expect(history.json['history']).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        event: 'erasing',
        details: expect.objectContaining({ reason: 'no rule keeps it' }),
      }),
    ]),
  )
})

it('with --yes more than half may go at once', async () => {
  await send()
  await send()
  const newest = await send()
  // What goes by rules that were there before needs no word; here they were not.
  const set = ['retention', 'set', '--project', 'shop', '--type', 'storage', '--keep-last', '1']
  expect((await cli(...set)).code).toBe(0)
  expect((await cli('expire')).code).toBe(3)
  const going = await cli('expire', '--yes')
  expect(going.code).toBe(0)
  expect((going.json as unknown as Decided).erased_backups).toHaveLength(3)
  // What has the word wants none.
  expect(JSON.stringify(going)).not.toContain('not erased')
  expect(JSON.stringify(going)).toContain('as was agreed to')
  const left = await database.kysely
    .selectFrom('backups')
    .select('id')
    .where('state', '=', 'complete')
    .execute()
  expect(left.map(({ id }) => id)).toContain(newest)
  await expectAtRest(chat, database)
})

it('says by which policy a backup stays, and that it is pinned, where a date would not be true', async () => {
  const about = ['--project', 'words', '--type', 'storage']
  const sending = ['send', ...about, '--file', path]
  expect((await callCli(sending, chat)).stdout).toMatch(/^ {2}expires {2}\d{4}-/m)
  await cli('retention', 'set', ...about, '--keep-daily', '7', '--keep-weekly', '4')
  const sent = await callCli(sending, chat)
  expect(sent.stdout).toMatch(/^ {2}kept {5}by its policy: daily 7, weekly 4$/m)
  expect(sent.stdout).not.toContain('expires')
  const chosen = await callCli([...sending, '--expires', '8w'], chat)
  expect(chosen.stdout).toMatch(/^ {2}expires {2}\d{4}-/m)

  const id = /Backup (\S+) is complete/.exec(sent.stdout)?.[1] ?? ''
  await cli('pin', id)
  const listed = (await callCli(['list', '--project', 'words'], chat)).stdout
  expect(listed).toMatch(new RegExp(`^${id} .* complete, pinned .* by policy `, 'm'))
  const shown = (await callCli(['show', id], chat)).stdout
  expect(shown).toMatch(/^pinned +since \d{4}-.*\nkept +by its policy: daily 7, weekly 4$/m)
  expect((await cli('show', id)).json).toHaveProperty('expires_at')
})
