import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listApiKeys } from '@telegram-backup/database'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let folder: string
let catalog: TestCatalog
let env: Record<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikey-test-'))
  catalog = await openTestCatalog()
  env = { TELEGRAM_BACKUP_HOME: folder, ...catalog.env }
})

afterAll(async () => {
  await catalog.discard()
  await rm(folder, { recursive: true, force: true })
})

it('a key is printed once, listed without itself, and revoked', async () => {
  const args = ['apikey', 'create', '--name', 'grafana', '--scope', 'read,backup', '--project', 'shop']
  const made = await callCli([...args, '--expires', '30d', '--json'], { env })
  expect(made.code).toBe(0)
  const { id, key } = made.json() as { id: string; key: string }
  expect(Object.keys(made.json() as object)).toEqual(['id', 'key'])
  expect(key).toMatch(/^tbk_[A-Za-z0-9_-]{43}$/)
  const list = await callCli(['apikey', 'list', '--json'], { env })
  expect(list.json()).toMatchObject([
    { id, name: 'grafana', scopes: ['read', 'backup'], project_id: 'shop', revoked_at: null },
  ])
  expect(list.stdout).not.toContain(key.slice(0, 20))
  expect((await callCli(['apikey', 'revoke', id], { env })).code).toBe(0)
  const after = await callCli(['apikey', 'list'], { env })
  expect(after.stdout).toMatch(/revoked/)
  expect((await listApiKeys(catalog))[0]?.revoked_at).toBeInstanceOf(Date)
})

it('a key is revoked by the beginning of its id, and by its name where no other key in use has it', async () => {
  const make = async (name: string): Promise<string> => {
    const made = await callCli(['apikey', 'create', '--name', name, '--scope', 'read', '--json'], { env })
    return (made.json() as { id: string }).id
  }
  const revoke = (which: string) => callCli(['apikey', 'revoke', which, '--json'], { env })
  const [one, other] = [await make('deploy'), await make('deploy')]
  const refused = await revoke('deploy')
  expect(refused.code).toBe(2)
  for (const id of [one, other]) expect(refused.stdout + refused.stderr).toContain(id)
  expect((await revoke(one.slice(0, 7))).code).toBe(4)
  expect((await revoke(one.slice(0, 8).toUpperCase())).json()).toMatchObject({ id: one, revoked: true })
  expect((await revoke('deploy')).json()).toMatchObject({ id: other, revoked: true })
  expect((await revoke('deploy')).code).toBe(4)
})

it('what cannot be a key is refused', async () => {
  const create = ['apikey', 'create', '--name', 'x', '--json']
  for (const [args, code] of [
    [[...create, '--scope', 'write'], 2],
    [[...create, '--scope', ''], 2],
    [[...create, '--scope', 'read', '--project', '../x'], 2],
    [[...create, '--scope', 'read', '--expires', 'yesterday'], 2],
    [create, 2],
    [['apikey', 'revoke', 'nonsense'], 4],
    [['apikey', 'revoke', '3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11'], 4],
  ] as const) {
    expect((await callCli(args, { env })).code, args.join(' ')).toBe(code)
  }
})
