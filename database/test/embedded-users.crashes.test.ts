import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { findPostgresPackage, installBinaries } from '#embedded/binaries.ts'
import { migrate, openDatabase } from '#index.ts'
import { follow } from '#test/client-process.ts'
import { InstalledCopy } from '#test/installed-copy.ts'
import { TestStateFolder } from '#test/state-folders.ts'

const isRoot = process.getuid?.() === 0
const nobody = isRoot ? account('nobody') : undefined

let folder: TestStateFolder
beforeEach(() => {
  folder = new TestStateFolder()
})
afterEach(() => folder.remove())

const copies: InstalledCopy[] = []
afterAll(() => {
  for (const copy of copies) copy.remove()
})

function installedCopy(mode: number): InstalledCopy {
  const copy = new InstalledCopy(mode)
  copies.push(copy)
  return copy
}

function account(name: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find(entry => entry.startsWith(`${name}:`))
  const [, , uid, gid] = (line ?? '').split(':').map(Number)
  return { uid: uid ?? -1, gid: gid ?? -1 }
}

test('a user who is not root has a catalog that only this user can look into', async () => {
  const copy = installedCopy(0o755)
  const home = join(copy.root, 'home')
  if (nobody) chownSync(home, nobody.uid, nobody.gid)
  const state = join(home, 'state')
  for (const expected of ['total 0', 'total 3', 'total 6']) {
    const reader = follow(copy.run('catalog-client.ts', [state, 'read'], nobody))
    expect([await reader.ended, reader.complaints, reader.lines]).toEqual([0, [], [expected]])
    const writer = follow(copy.run('catalog-client.ts', [state, 'write', '3'], nobody))
    expect([await writer.ended, writer.complaints, writer.lines.length]).toEqual([0, [], 3])
  }
  expect(statSync(state).mode & 0o777).toBe(0o700)
  expect(readdirSync(state).sort()).toEqual([
    'catalog.lock',
    'pg18',
    expect.stringMatching(/^postgres-18/),
    'postgres.log',
  ])
  expect(readdirSync(join(state, 'pg18'))).not.toContain('postmaster.pid')
})

test('a state folder of another user is refused, with a way out', async () => {
  if (nobody) {
    mkdirSync(folder.path)
    chownSync(folder.path, nobody.uid, nobody.gid)
  }
  const dataDir = nobody ? folder.path : '/'
  await expect(openDatabase({ dataDir })).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringContaining('belongs to another user'),
    hint: expect.stringContaining('TELEGRAM_BACKUP_HOME'),
  })
})

test('a folder that is no state folder keeps its mode, and is refused when others can write to it', async () => {
  mkdirSync(join(folder.path, 'something'), { recursive: true })
  chmodSync(folder.path, 0o777)
  await expect(openDatabase({ dataDir: folder.path })).rejects.toMatchObject({
    code: 'CONFIGURATION',
    hint: expect.stringContaining('TELEGRAM_BACKUP_HOME'),
  })
  expect(statSync(folder.path).mode & 0o777).toBe(0o777)
  chmodSync(folder.path, 0o750)
  const database = await openDatabase({ dataDir: folder.path })
  await database.close()
  expect(statSync(folder.path).mode & 0o777).toBe(0o750)
})

test('a folder made for the signing key alone becomes a state folder, whatever its mode was', async () => {
  for (const mode of [0o700, 0o755]) {
    mkdirSync(folder.path)
    writeFileSync(join(folder.path, 'signing-key.pem'), 'key', { mode: 0o600 })
    chmodSync(folder.path, mode)
    const database = await openDatabase({ dataDir: folder.path })
    await database.close()
    expect(statSync(folder.path).mode & 0o777).toBe(isRoot ? 0o711 : 0o700)
    expect(statSync(join(folder.path, 'signing-key.pem')).mode & 0o777).toBe(0o600)
    rmSync(folder.path, { recursive: true })
  }
})

test('programs are not put where a shell would misread their path', () => {
  const home = join(folder.parent, 'a$HOME')
  const user = { spawnAs: undefined, uid: 0, name: 'me' }
  expect(() => installBinaries(findPostgresPackage(), [home], user)).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION', hint: expect.stringContaining('shell') }),
  )
})

test('a catalog of another PostgreSQL version is refused instead of being passed over for an empty one', async () => {
  mkdirSync(join(folder.path, 'pg17'), { recursive: true })
  await expect(openDatabase({ dataDir: folder.path })).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringContaining('PostgreSQL 17'),
  })
})

test('a state folder that cannot be made is a matter of configuration', async () => {
  await expect(openDatabase({ dataDir: '/proc/no/such/folder' })).rejects.toMatchObject({
    code: 'CONFIGURATION',
  })
})

if (isRoot) {
  test('a home of the programs that was closed by a umask, or made for the signing key, is opened', () => {
    chmodSync(folder.parent, 0o711)
    const home = folder.path
    const user = { spawnAs: nobody, uid: nobody?.uid ?? -1, name: 'nobody' }
    const install = () => installBinaries(findPostgresPackage(), [home], user)
    for (const entries of [[], ['signing-key.pem']]) {
      mkdirSync(home, { mode: 0o700 })
      for (const name of entries) writeFileSync(join(home, name), '')
      expect(existsSync(join(install(), 'bin', 'postgres'))).toBe(true)
      expect(statSync(home).mode & 0o777).toBe(0o711)
      // A later start mends it as well.
      chmodSync(home, 0o700)
      install()
      expect(statSync(home).mode & 0o777).toBe(0o711)
      rmSync(home, { recursive: true })
    }
  })

  test('a home of the programs that holds something else, or is another user’s, keeps its mode', () => {
    chmodSync(folder.parent, 0o711)
    const user = { spawnAs: nobody, uid: nobody?.uid ?? -1, name: 'nobody' }
    const install = () => installBinaries(findPostgresPackage(), [folder.path], user)
    mkdirSync(folder.path, { mode: 0o700 })
    writeFileSync(join(folder.path, 'letters'), '')
    expect(install).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('closed to user nobody') }),
    )
    rmSync(join(folder.path, 'letters'))
    chownSync(folder.path, 4242, 4242)
    expect(install).toThrow(expect.objectContaining({ hint: expect.stringContaining('another user') }))
    expect(statSync(folder.path).mode & 0o777).toBe(0o700)
  })

  test('root with a clone and a state folder where only root can enter gets a server of another user', async () => {
    const copy = installedCopy(0o700)
    const state = join(copy.root, 'home', 'state')
    const migrations = readdirSync(new URL('../migrations', import.meta.url)).length
    for (const expected of [migrations, 0]) {
      const client = follow(copy.run('catalog-client.ts', [state, 'hold']))
      expect(await client.said(/^ready/)).toBe(`ready ${expected}`)
      const pid = Number(readFileSync(join(state, 'pg18', 'postmaster.pid'), 'utf8').split('\n')[0])
      expect(statSync(`/proc/${pid}`).uid).not.toBe(0)
      client.child.stdin?.end()
      expect([await client.ended, client.complaints]).toEqual([0, []])
      expect(readdirSync(join(state, 'pg18'))).not.toContain('postmaster.pid')
    }
    expect(statSync(state).mode & 0o777).toBe(0o711)
  })

  test('links that the server’s user has put into the data folder are not followed by root', async () => {
    const database = await openDatabase({ dataDir: folder.path })
    await migrate(database)
    await database.close()
    const precious = join(folder.parent, 'precious')
    writeFileSync(precious, 'keep me')
    for (const name of ['pg_hba.conf', 'pg_ident.conf']) {
      rmSync(join(folder.data.path, name))
      symlinkSync(precious, join(folder.data.path, name))
    }
    const again = await openDatabase({ dataDir: folder.path })
    await again.close()
    expect(readFileSync(precious, 'utf8')).toBe('keep me')
  })
}
