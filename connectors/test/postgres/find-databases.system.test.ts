import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { attack } from '@telegram-backup/test-support/shared-place.ts'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { findDatabases, readTypedUrl } from '#postgres/find-databases.ts'

const HOSTILE = `we"ird \${HOME} $(id)\n\u001b[31m' /?&=@%`
const { signal } = new AbortController()
let server: PostgresServer
let sockets: string
let password: string

beforeAll(async () => {
  // Short: the path of a socket has 107 bytes at most.
  sockets = await mkdtemp(join(tmpdir(), 's-'))
  await chmod(sockets, 0o1777)
  server = await startPostgresServer(await installedServer(), [`unix_socket_directories=${sockets}`])
  const quoted = `"${HOSTILE.replaceAll('"', '""')}"`
  await server.sql('postgres', 'create database shop;')
  await server.sql('postgres', `create database ${quoted};`)
  password = decodeURIComponent(new URL(server.url('postgres')).password)
})

afterEach(() => {
  vi.unstubAllEnvs()
})

afterAll(async () => {
  await server?.stop()
  await rm(sockets, { recursive: true, force: true })
})

it('databases of a server on this machine are found by its socket, whatever their names are', async () => {
  const passwords = join(sockets, 'pgpass')
  await writeFile(passwords, `*:*:*:*:${password.replace(/[\\:]/g, '\\$&')}\n`, { mode: 0o600 })
  vi.stubEnv('PGPASSFILE', passwords)
  vi.stubEnv('PGUSER', 'owner')
  const found = await findDatabases(signal, [sockets])
  const names = found.map(source => 'place' in source && parsePostgresUrl(source.place).database)
  expect(names.sort()).toEqual([HOSTILE, 'postgres', 'shop'].sort())
  const usual = found.filter(source => 'isUsual' in source && source.isUsual)
  expect(usual).toHaveLength(2)
  for (const { shown } of found) expect(shown).not.toMatch(/\p{Cc}/u)
})

it('a server that nobody has named gets no password; its refusal is reported', async () => {
  vi.stubEnv('PGPASSWORD', password)
  vi.stubEnv('PGUSER', 'owner')
  const [found, ...others] = await findDatabases(signal, [sockets])
  expect(others).toEqual([])
  expect(found).toMatchObject({ problem: expect.stringContaining('no password supplied') })
})

it.runIf(process.getuid?.() === 0)(
  'a socket that another user put into a shared folder is not asked',
  async () => {
    const shared = await mkdtemp(join(tmpdir(), 'p-'))
    await chmod(shared, 0o1777)
    const script = `require('node:net').createServer(() => process.exit(7)).listen('.s.PGSQL.5432');setInterval(() => {}, 1e9)`
    const attacker = await attack(script, shared)
    try {
      await vi.waitFor(async () => expect(await findDatabases(signal, [shared])).toEqual([]))
      expect(attacker.exitCode).toBeNull()
    } finally {
      attacker.kill('SIGKILL')
      await rm(shared, { recursive: true, force: true })
    }
  },
)

it('a password is taken out of a URL, or from beside it, and a place never holds it', () => {
  vi.stubEnv('PGPASSWORD', '')
  expect(readTypedUrl('postgresql:///shop?host=/run/postgresql')).toEqual({
    place: 'postgresql:///shop?host=%2Frun%2Fpostgresql',
    name: 'shop',
  })
  const typed = readTypedUrl('postgresql://u:p%40ss@db/shop?sslmode=require')
  expect(typed).toMatchObject({ place: 'postgresql://u@db/shop?sslmode=require', secret: { value: 'p@ss' } })
  expect(typed.secret?.placeWith('X')).toBe(`postgresql://u@db/shop?sslmode=require&password=\${X}`)
  vi.stubEnv('PGPASSWORD', 'beside')
  expect(readTypedUrl('postgresql://u@db/shop').secret?.placeWith('X')).toBe(
    `postgresql://u@db/shop?password=\${X}`,
  )
  vi.stubEnv('PGPASSWORD', ' blank')
  expect(() => readTypedUrl('postgresql://u@db/shop')).toThrow('begins or ends with a blank')
})
