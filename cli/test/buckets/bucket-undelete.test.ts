import { setTimeout as sleep } from 'node:timers/promises'
import { bucketByName } from '@telegram-backup/database'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { openObjects } from '@telegram-backup/engine/wiring.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let catalog: TestCatalog
let env: Record<string, string>
let store: Awaited<ReturnType<typeof openObjects>>

const { signal } = new AbortController()
const run = (...args: string[]) => callCli(args, { env })

beforeAll(async () => {
  vault = await openTestVault()
  catalog = await openTestCatalog()
  env = { ...(await cliEnvironment(vault)), ...catalog.env }
  const at = { config: readConfig(env), database: catalog, client: vault.client }
  store = await openObjects(at, { cacheBytes: 2 ** 27, log: () => {}, signal })
})

afterAll(async () => {
  await store.close({ graceMs: 10_000 })
  await catalog.discard()
  await vault.close()
})

const put = async (key: string, text: string): Promise<void> => {
  const body = (async function* () {
    yield Buffer.from(text)
  })()
  await store.put(await store.bucket('laptops'), { key, body }, { signal })
}

async function contents(): Promise<Record<string, string>> {
  const bucket = await store.bucket('laptops')
  const found: Record<string, string> = {}
  for await (const page of store.list(bucket, { prefix: '' })) {
    for (const { key } of page) {
      const { body } = await store.get(bucket, key, { signal })
      found[key] = Buffer.concat(await Array.fromAsync(body)).toString()
    }
  }
  return found
}

it('a bucket is as it was at a moment, after it was said what would come and what would go', async () => {
  expect((await run('bucket', 'create', 'laptops', '--kind', 'restic')).code).toBe(0)
  await put('kept', 'kept')
  await put('deleted', 'brought back')
  await put('overwritten', 'before')
  const before = await contents()
  // Times on the command line have whole seconds.
  await sleep(1_000)
  const at = `${new Date().toISOString().slice(0, 19)}.000Z`
  await sleep(20)
  await store.delete(await store.bucket('laptops'), 'deleted')
  await put('overwritten', 'after')
  await put('added', 'by the attacker')
  const after = await contents()
  expect(after).toEqual({ kept: 'kept', overwritten: 'after', added: 'by the attacker' })

  const undelete = ['bucket', 'undelete', 'laptops', '--at', at]
  const plan = await run(...undelete, '--dry-run')
  expect([plan.code, plan.stdout]).toEqual([
    0,
    expect.stringContaining('2 objects would come back, 1 would go, 1 would stay as they are.'),
  ])
  expect(await contents()).toEqual(after)

  const { id } = (await bucketByName(catalog, 'laptops')) ?? {}
  const done = await run(...undelete, '--json')
  expect([done.code, done.json()]).toEqual([
    0,
    { success: true, id, at, restored: 2, removed: 1, unchanged: 1 },
  ])
  expect(await contents()).toEqual(before)
  expect((await run('audit', '--act', 'bucket.undelete', '--json')).json()).toMatchObject([
    { object: id, details: { restored: 2, removed: 1 } },
  ])
})

it('a moment that cannot be reached is refused', async () => {
  const to = async (...at: string[]) => {
    const { code, stderr } = await run('bucket', 'undelete', ...at)
    return [code, stderr]
  }
  expect(await to('laptops', '--at', '2099-01-01')).toEqual([2, expect.stringContaining('in the past')])
  expect(await to('missing', '--at', '1h')).toEqual([4, expect.stringContaining('No bucket has the name')])
  expect(await to('laptops')).toEqual([2, expect.stringContaining('--at')])
})
