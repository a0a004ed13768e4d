import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listAudit, noteService, signInByLink } from '@telegram-backup/database'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let folder: string
let catalog: TestCatalog
let env: Record<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'user-test-'))
  catalog = await openTestCatalog()
  env = { TELEGRAM_BACKUP_HOME: folder, ...catalog.env }
})

afterAll(async () => {
  await catalog.discard()
  await rm(folder, { recursive: true, force: true })
})

const user = (...args: string[]) => callCli(['user', ...args], { env })

it('a person is added with a link that is printed once, listed, linked again and removed', async () => {
  const made = await user('add', '--admin', '--name', 'Ann', '--json')
  expect(made.code).toBe(0)
  const { id, url } = made.json() as { id: string; url: string }
  expect(Object.keys(made.json() as object)).toEqual(['id', 'url'])
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:8080\/link#tbl_[A-Za-z0-9_-]{43}$/)
  // Nobody knows where the page is.
  expect(made.stderr).toMatch(/no running "telegram-backup serve".*public_url/)
  const list = await user('list', '--json')
  expect(list.json()).toMatchObject([
    { id, name: 'Ann', role: 'admin', project_id: null, has_password: false, last_seen_at: null },
  ])
  expect((await user('list')).stdout).toMatch(/Ann +admin +all +none +never/)
  const again = (await user('link', 'ann', '--json')).json() as { id: string; url: string }
  expect(again.id).toBe(id)
  expect(await signInByLink(catalog, secretOf(url), {})).toBeNull()
  expect(await signInByLink(catalog, secretOf(again.url), {})).toMatchObject({
    person: { id, role: 'admin' },
  })
  // Also the last administrator: the command line can add another.
  expect((await user('remove', id.slice(0, 8), '--json')).json()).toMatchObject({ id, removed: true })
  expect((await user('link', id)).code).toBe(4)
  const acts = await listAudit(catalog, { object: id, limit: 9 })
  expect(acts.map(({ act }) => act)).toEqual([
    ...['person.remove', 'session.begin', 'person.link', 'person.link', 'person.create'],
  ])
  expect((await user('list')).stdout).toMatch(/Nobody can sign in yet.*user add --admin/)
})

const secretOf = (url: string): string => new URL(url).hash.slice(1)

it('the link leads to a running service, best on this machine, and to public_url before all', async () => {
  const { link } = { link: async () => (await user('link', 'ben', '--json')).json() as { url: string } }
  await user('add', '--name', 'ben', '--role', 'operator', '--project', 'shop')
  const names = { sources: [], targets: [] }
  const [here, elsewhere] = [crypto.randomUUID(), crypto.randomUUID()]
  await noteService(catalog, { id: here, ...names, url: 'https://0.0.0.0:8443' })
  await noteService(catalog, { id: elsewhere, ...names, url: 'http://10.0.0.7:8080' })
  await sql`update control_plane.services set hostname = 'elsewhere', host = 'another' where id = ${elsewhere}::uuid`.execute(
    catalog.kysely,
  )
  expect((await link()).url).toMatch(/^https:\/\/127\.0\.0\.1:8443\/link#/)
  await sql`delete from control_plane.services where id = ${here}::uuid`.execute(catalog.kysely)
  expect((await link()).url).toMatch(/^http:\/\/10\.0\.0\.7:8080\/link#/)
  const file = join(folder, 'telegram-backup.yaml')
  await writeFile(file, 'http: { public_url: "https://backup.example/tb/" }\n', { mode: 0o600 })
  expect((await link()).url).toMatch(/^https:\/\/backup\.example\/tb\/link#tbl_/)
  // A mistake there is found before anybody is added.
  await writeFile(file, 'http: { public_url: backup.example }\n', { mode: 0o600 })
  expect((await user('add', '--name', 'cyd')).code).toBe(2)
  await rm(file)
  expect((await user('link', 'cyd')).code).toBe(4)
})

it('what cannot be a person is refused', async () => {
  for (const [args, words] of [
    [['--name', 'x', '--role', 'owner'], 'viewer, operator, restorer, admin'],
    [['--name', 'x', '--admin', '--role', 'viewer'], 'contradict'],
    [['--name', '<b>'], 'Not a valid name'],
    [['--name', 'x', '--project', '../y'], 'project id'],
    [[], '--name'],
  ] as const) {
    const refused = await user('add', ...args)
    expect(refused.code).toBe(2)
    expect(refused.stdout + refused.stderr).toContain(words)
  }
})
