import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Backup, sqlRunner } from '@telegram-backup/database'
import { openCatalogOf, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let chat: TestChat
let folder: string

beforeAll(async () => {
  vault = await openTestVault()
  chat = await openChat(vault)
  folder = await mkdtemp(join(tmpdir(), 'tags-'))
  await writeFile(join(folder, 'shop.sql'), 'select 1;\n')
  await writeFile(
    join(folder, 'telegram-backup.yaml'),
    `sources:\n  shop: { project: shop, type: database, file: ${folder}/shop.sql, tags: [nightly] }\n`,
  )
})
afterAll(async () => {
  await vault.close()
  await rm(folder, { recursive: true, force: true })
})

const cli = (...args: string[]) =>
  callCli(args, { env: { ...chat.env, TELEGRAM_BACKUP_CONFIG: join(folder, 'telegram-backup.yaml') } })
const list = async (...args: string[]) => (await cli('list', '--json', ...args)).json() as Backup[]

it('tags of a source and of a send add up; they are found, changed, kept by a policy, and come back from the chat', async () => {
  for (const tags of [['before-upgrade'], [], []])
    expect((await cli('send', '--source', 'shop', ...tags.flatMap(tag => ['--tag', tag]))).code).toBe(0)
  const [newest, , oldest] = await list()
  expect(oldest?.tags).toEqual(['before-upgrade', 'nightly'])
  expect(newest?.tags).toEqual(['nightly'])
  expect((await list('--tag', 'before-upgrade')).map(({ id }) => id)).toEqual([oldest?.id])
  expect((await list('--source', 'shop', '--limit', '2')).map(({ id }) => id)).not.toContain(oldest?.id)
  expect(await list('--source', 'other')).toEqual([])
  const found = await cli('show', 'latest:shop', '--tag', 'before-upgrade', '--json')
  expect(found.json()).toMatchObject({ id: oldest?.id, tags: ['before-upgrade', 'nightly'] })

  const tagged = await cli('tag', 'latest', '--add', 'release:1', '--remove', 'nightly', '--json')
  expect(tagged.json()).toEqual({ success: true, id: newest?.id, tags: ['release:1'] })
  await cli('tag', oldest?.id ?? '', '--remove', 'nightly', '--remove', 'before-upgrade', '--add', 'keep')
  for (const bad of [['--add', 'a b'], ['--add', ''], []])
    expect((await cli('tag', 'latest', ...bad)).code).toBe(2)
  expect((await cli('send', '--source', 'shop', '--tag', 'a/b')).code).toBe(2)
  expect(await list()).toHaveLength(3)

  await cli(
    'retention',
    'set',
    '--project',
    'shop',
    '--type',
    'database',
    '--keep-last',
    '1',
    '--keep-tag',
    'keep',
  )
  const plan = (await cli('expire', '--dry-run', '--json')).json() as { decisions: { id: string }[] }
  expect(plan.decisions.find(({ id }) => id === oldest?.id)).toMatchObject({
    ...{ decision: 'keep', reason: 'tag keep' },
  })

  const before = await list()
  const database = await openCatalogOf(chat.env)
  await sqlRunner(database).executeSql('delete from control_plane.retention_policies')
  await sqlRunner(database).executeSql(
    "update control_plane.backups set tags = '{lost}', source_name = null, recovered_trust = 0",
  )
  await database.close()
  expect((await cli('recover', '--json')).code).toBe(0)
  const after = await list()
  expect(after.map(({ id, tags, source_name }) => ({ id, tags, source_name }))).toEqual(
    before.map(({ id, tags, source_name }) => ({ id, tags, source_name })),
  )
  expect((await cli('retention', 'list', '--json')).json()).toMatchObject([
    { project_id: 'shop', keep: { last: 1, tags: ['keep'] } },
  ])
})
