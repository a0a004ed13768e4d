import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bucketByName, findDoorKey, sqlRunner } from '@telegram-backup/database'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let folder: string
let catalog: TestCatalog
let env: Record<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucket-test-'))
  catalog = await openTestCatalog()
  env = { TELEGRAM_BACKUP_HOME: folder, BACKUP_ENCRYPTION: 'off', ...catalog.env }
})

afterAll(async () => {
  await catalog.discard()
  await rm(folder, { recursive: true, force: true })
})

const run = (...args: string[]) => callCli(args, { env })
const make = (name: string, ...more: string[]) => run('bucket', 'create', name, '--kind', 'restic', ...more)

/** An object that is in the catalog alone. */
async function store(bucket: string, key: string, size: number): Promise<void> {
  await sqlRunner(catalog).executeSql(
    `insert into control_plane.objects (id, bucket_id, key, state, size, sha256, in_chat, content)
     select gen_random_uuid(), id, $2, 'live', $3, repeat('0', 64), false, '' from control_plane.object_buckets where name = $1`,
    [bucket, key, size],
  )
}

it('a bucket is made, listed, shown, changed and removed', async () => {
  const made = await make('laptops', '--project', 'shop', '--snapshot-limit', '26h', '--json')
  expect(made.code).toBe(0)
  const { id } = made.json() as { id: string }
  expect(made.json()).toStrictEqual({ id, name: 'laptops', kind: 'restic', project_id: 'shop' })
  expect((await run('bucket', 'list', '--json')).json()).toMatchObject([
    { id, state: 'ok', objects: 0, bytes: 0, undelete_seconds: 604_800, snapshot_limit_hours: 26 },
  ])
  expect((await run('bucket', 'list')).stdout).toMatch(/^ok +laptops +restic +shop +none +26 h +0 +0 B/m)
  expect((await run('bucket', 'list', '--project', 'other')).stdout).toContain('No buckets yet')
  const change = ['--undelete', '14d', '--max-size', '1.5G', '--snapshot-limit', 'off', '--replica', 'wait']
  expect((await run('bucket', 'change', 'laptops', ...change)).code).toBe(0)
  const shown = await run('bucket', 'show', id.slice(0, 8))
  expect(shown.stdout).toMatch(/^undelete +14 d$/m)
  expect(shown.stdout).toMatch(/^size limit +1\.5 GiB$/m)
  expect(shown.stdout).toMatch(/^second chat +an answer waits for it$/m)
  expect(shown.stdout).toContain('No door keys yet')
  expect((await run('bucket', 'remove', 'laptops', '--json')).json()).toEqual({
    success: true,
    id,
    removed: true,
  })
  expect((await run('bucket', 'show', 'laptops')).code).toBe(4)
  expect((await make('laptops')).code).toBe(0)
})

it('a bucket with objects is removed only by somebody who was told what is lost', async () => {
  await make('full')
  await store('full', 'config', 2_048)
  const refused = await run('bucket', 'remove', 'full')
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('1 object of 2.0 KiB')])
  expect(await bucketByName(catalog, 'full')).not.toBeNull()
  expect((await run('bucket', 'remove', 'full', '--yes')).code).toBe(0)
  expect(await bucketByName(catalog, 'full')).toBeNull()
})

it('a door key is printed once, with what restic needs; listed without itself; and revoked', async () => {
  await make('doors')
  const create = ['doorkey', 'create', '--bucket', 'doors', '--name', 'ann']
  const made = await run(...create, '--scope', 'append', '--expires', '90d', '--json')
  const { id, user, key } = made.json() as Record<'id' | 'user' | 'key', string>
  expect(made.json()).toStrictEqual({ id, user, key })
  expect(await findDoorKey(catalog, { user, key })).toMatchObject({ id, scope: 'append', name: 'ann' })
  const list = await run('doorkey', 'list', '--bucket', 'doors')
  expect(list.stdout).toMatch(new RegExp(`^${id} +ann +${user} +append +valid until`, 'm'))
  expect(list.stdout).not.toContain(key.slice(0, 20))
  expect((await run('doorkey', 'revoke', user)).code).toBe(0)
  expect(await findDoorKey(catalog, { user, key })).toBeNull()
  expect((await run('bucket', 'show', 'doors')).stdout).toMatch(/append +revoked/)

  // A name serves as well as the user, as long as one key in use has it.
  const createBen = ['doorkey', 'create', '--bucket', 'doors', '--name', 'ben', '--scope', 'read', '--json']
  const [first, second] = [(await run(...createBen)).json(), (await run(...createBen)).json()] as {
    id: string
  }[]
  const several = await run('doorkey', 'revoke', 'ben')
  expect([several.code, several.stderr]).toEqual([2, expect.stringContaining('Several keys match "ben"')])
  expect((await run('doorkey', 'revoke', first?.id.slice(0, 8) ?? '')).code).toBe(0)
  expect((await run('doorkey', 'revoke', 'ben', '--json')).json()).toMatchObject({
    id: second?.id,
    revoked: true,
  })

  const other = await run(...create, '--scope', 'full')
  const [, secret = ''] = /RESTIC_REST_PASSWORD=(\S+)/.exec(other.stdout) ?? []
  expect(secret).toMatch(/^tbd_[\w-]{43}$/)
  expect(other.stdout).toContain('export RESTIC_REPOSITORY=rest:http://127.0.0.1:8080/restic/doors/\n')
  expect(other.stdout).toContain('No serve runs yet')
  expect(other.stdout).toMatch(/^ {2}restic init$/m)
  const reading = (await run(...create, '--scope', 'read')).stdout
  expect(reading).toMatch(/^ {2}restic snapshots --no-lock$/m)
  expect(reading).toMatch(/^ {2}restic -r rest:\S+ snapshots --no-lock$/m)
  // restic would refuse to make a second repository.
  await store('doors', 'config', 155)
  const next = await run(...create, '--scope', 'append')
  expect(next.stdout).toMatch(/^ {2}restic snapshots$/m)
  expect(next.stdout).not.toContain('restic init')
  expect(other.stdout).toMatch(
    new RegExp(`restic -r rest:http://[\\w-]+:${secret}@127.0.0.1:8080/restic/doors/`),
  )
})

it('what cannot be a bucket or a key is refused', async () => {
  await make('taken')
  const create = ['doorkey', 'create', '--bucket', 'taken', '--scope']
  for (const [args, code, says] of [
    [['bucket', 'create', 'Taken', '--kind', 'restic'], 2, 'Not a valid name'],
    [['bucket', 'create', 'taken', '--kind', 'restic'], 1, 'There is a bucket taken already'],
    [['bucket', 'create', 'other', '--kind', 's3'], 2, 'no door for S3 yet'],
    [['bucket', 'create', 'other', '--kind', 'ftp'], 2, '--kind restic'],
    [['bucket', 'create', 'other'], 2, '--kind'],
    [['bucket', 'create', 'other', '--kind', 'restic', '--snapshot-limit', '90m'], 2, 'whole hours'],
    [['bucket', 'create', 'other', '--kind', 'restic', '--max-size', 'big'], 2, 'not a number of bytes'],
    [['bucket', 'create', 'other', '--kind', 'restic', '--replica', 'never'], 2, 'wait or later'],
    [['bucket', 'change', 'taken'], 2, 'Nothing to change'],
    [['bucket', 'show', 'missing'], 4, 'No bucket has the name'],
    [[...create, 'write'], 2, 'read, append or full'],
    [[...create, 'full', '--expires', '2020-01-01'], 2, 'not in the future'],
    [['doorkey', 'create', '--bucket', 'missing', '--scope', 'full'], 4, 'No bucket has the name'],
    [['doorkey', 'revoke', 'nonsense'], 4, 'No door key'],
  ] as const) {
    const refused = await run(...args)
    expect([refused.code, refused.stderr], args.join(' ')).toEqual([code, expect.stringContaining(says)])
  }
  expect(await bucketByName(catalog, 'other')).toBeNull()
})
