import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chownSync,
  cpSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OWN_ACCOUNT } from '#embedded/own-account.ts'
import { type ClientProcess, follow } from '#test/client-process.ts'
import { TestStateFolder } from '#test/state-folders.ts'

// Whose processes root's server runs as. Each test has an /etc of its own, in a mount namespace, so that
// accounts can be made and missing.

const UNSHARE = 'unshare'
const canHaveOwnEtc = process.getuid?.() === 0 && spawnSync(UNSHARE, ['-m', 'true']).status === 0
const RULES = ['pg_hba.conf', 'pg_ident.conf']
const CLIENT = fileURLToPath(import.meta.resolve('#test/programs/catalog-client.ts'))
const USERADD = ['useradd', '--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin']

let folder: TestStateFolder
let etc: string

beforeEach(() => {
  folder = new TestStateFolder()
  etc = join(folder.parent, 'etc')
  if (!canHaveOwnEtc) return
  cpSync('/etc', etc, { recursive: true, verbatimSymlinks: true })
  for (const name of ['passwd', 'group', 'shadow', 'gshadow']) {
    const lines = readFileSync(join(etc, name), 'utf8').split('\n')
    writeFileSync(join(etc, name), lines.filter(line => !line.startsWith(`${OWN_ACCOUNT}:`)).join('\n'))
  }
  if (uidOf('postgres') === undefined) inOwnEtc([...USERADD, 'postgres'])
})
afterEach(() => folder.remove())

function uidOf(name: string): number | undefined {
  const line = readFileSync(join(etc, 'passwd'), 'utf8')
    .split('\n')
    .find(entry => entry.startsWith(`${name}:`))
  return line === undefined ? undefined : Number(line.split(':')[2])
}

function namespace(command: readonly string[], mountOptions = 'bind'): string[] {
  const script = `mount --bind "$1" /etc && mount -o remount,${mountOptions} /etc && shift && exec "$@"`
  return ['-m', 'sh', '-c', script, 'sh', etc, ...command]
}

function inOwnEtc(command: readonly string[]): void {
  execFileSync(UNSHARE, namespace(command), { stdio: 'pipe' })
}

function client(args: readonly string[], mountOptions?: string): ClientProcess {
  return follow(spawn(UNSHARE, namespace([process.execPath, CLIENT, folder.path, ...args], mountOptions)))
}

async function done(process: ClientProcess): Promise<string[]> {
  expect([await process.ended, process.complaints]).toEqual([0, []])
  return process.lines
}

/**
 * Of what lies in the data folder, itself included; the access rules are root's, who writes them at each
 * start.
 */
function owners(): Set<number> {
  const names = readdirSync(folder.data.path, { recursive: true, encoding: 'utf8' })
  const pieces = ['.', ...names].filter(name => !RULES.includes(name))
  return new Set(pieces.map(name => lstatSync(join(folder.data.path, name)).uid))
}

function giveAllTo(uid: number): void {
  const names = readdirSync(folder.data.path, { recursive: true, encoding: 'utf8' })
  for (const name of ['.', ...names].filter(name => !RULES.includes(name)))
    chownSync(join(folder.data.path, name), uid, uid)
}

/** A catalog with three backups, as a program of before has left it. */
async function catalogOf(name: string): Promise<void> {
  await done(client(['write', '3']))
  giveAllTo(uidOf(name) ?? -1)
}

/** The user of the server, while a client holds it. */
async function runningAs(mountOptions?: string): Promise<number> {
  const holder = client(['hold'], mountOptions)
  await holder.said(/^ready/)
  const pid = Number(readFileSync(join(folder.data.path, 'postmaster.pid'), 'utf8').split('\n')[0])
  const { uid } = statSync(`/proc/${pid}`)
  holder.child.stdin?.end()
  await done(holder)
  return uid
}

describe.runIf(canHaveOwnEtc)('the server that root starts', () => {
  test('runs as an account of its own, which is made, can log in nowhere, and is no other program’s', async () => {
    expect(uidOf(OWN_ACCOUNT)).toBeUndefined()
    const uid = await runningAs()
    expect(uid).toBe(uidOf(OWN_ACCOUNT))
    expect(uid).not.toBe(uidOf('postgres'))
    expect(owners()).toEqual(new Set([uid]))
    expect(readFileSync(join(etc, 'passwd'), 'utf8')).toMatch(
      /^telegram-backup:.*:\/nonexistent:\/usr\/sbin\/nologin$/m,
    )
    expect(readFileSync(join(etc, 'shadow'), 'utf8')).toMatch(/^telegram-backup:[!*]/m)
  })

  test.each(['postgres', 'nobody', OWN_ACCOUNT])('lets no process of %s in, but root', async name => {
    const holder = client(['hold'])
    await holder.said(/^ready/)
    const uid = uidOf(name) ?? -1
    const connect = `const pg = require('pg')
      const client = new pg.Client({ host: '/proc/self/cwd', port: 5432, user: 'catalog', database: 'postgres', password: 'x' })
      client.connect().then(() => process.exit(7), () => process.exit(0))`
    // In the folder from the start: whoever may pass through the folders above is not the question.
    const drop = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
    const attempt = (prefix: string[]) =>
      spawnSync(
        prefix[0] ?? process.execPath,
        [...prefix.slice(1), ...(prefix[0] ? [process.execPath] : []), '-e', connect],
        {
          cwd: folder.data.path,
          env: { NODE_PATH: join(fileURLToPath(import.meta.resolve('pg')), '..', '..', '..') },
          encoding: 'utf8',
        },
      )
    expect(attempt([]).status).toBe(7)
    expect(attempt(drop).status).not.toBe(7)
    holder.child.stdin?.end()
    await done(holder)
  })

  test.each(['postgres', 'nobody'])('takes over a catalog of %s with all that is in it', async name => {
    await catalogOf(name)
    expect(await done(client(['read']))).toEqual(['total 3'])
    expect(owners()).toEqual(new Set([uidOf(OWN_ACCOUNT)]))
    expect(await runningAs()).toBe(uidOf(OWN_ACCOUNT))
  })

  test('that was killed while it took a catalog over goes on at the next start', async () => {
    await catalogOf('postgres')
    const version = join(folder.data.path, 'PG_VERSION')
    for (let round = 0; round < 3; round++) {
      giveAllTo(uidOf('postgres') ?? -1)
      const killed = client(['read'])
      while (statSync(version).uid === uidOf('postgres')) await delay(0)
      killed.child.kill('SIGKILL')
      await killed.ended
      expect(await done(client(['read']))).toEqual(['total 3'])
      expect(owners()).toEqual(new Set([uidOf(OWN_ACCOUNT)]))
    }
    // The worst moment: all but the folder itself.
    chownSync(folder.data.path, uidOf('postgres') ?? -1, uidOf('postgres') ?? -1)
    expect(await done(client(['read']))).toEqual(['total 3'])
    expect(owners()).toEqual(new Set([uidOf(OWN_ACCOUNT)]))
  })

  test.each(['a link', 'a second name of a file', 'a file of another user'])(
    'gives nothing away by %s that the owner has put into the folder, and goes on as that owner',
    async kind => {
      await catalogOf('postgres')
      const precious = join(folder.parent, 'precious')
      writeFileSync(precious, 'root’s')
      const planted = join(folder.data.path, 'base', 'planted')
      if (kind === 'a link') symlinkSync(folder.parent, planted)
      else if (kind === 'a file of another user') {
        writeFileSync(planted, '')
        chownSync(planted, 4242, 4242)
      } else linkSync(join(folder.data.path, 'PG_VERSION'), join(folder.parent, 'second'))
      expect(await done(client(['read']))).toEqual(['total 3'])
      expect([statSync(precious).uid, statSync(folder.parent).uid]).toEqual([0, 0])
      expect(statSync(folder.data.path).uid).toBe(uidOf('postgres'))
      rmSync(planted, { force: true })
      rmSync(join(folder.parent, 'second'), { force: true })
      expect(await done(client(['read']))).toEqual(['total 3'])
      expect(owners()).toEqual(new Set([uidOf(OWN_ACCOUNT)]))
    },
  )

  test('runs as postgres where no account can be made, and as the one that the folder was given to', async () => {
    expect(await runningAs('ro,bind')).toBe(uidOf('postgres'))
    expect(uidOf(OWN_ACCOUNT)).toBeUndefined()
    inOwnEtc([...USERADD, 'someone'])
    giveAllTo(uidOf('someone') ?? -1)
    expect(await runningAs()).toBe(uidOf('someone'))
    expect(uidOf(OWN_ACCOUNT)).toBeUndefined()
  })
})
