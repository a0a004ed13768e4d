import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test as base, expect } from 'vitest'

// `npm start`, as README tells people to type it.

const ROOT = join(import.meta.dirname, '..', '..')
const DAY_MS = 24 * 3600 * 1000
const STARTED_WITHIN_MS = 240_000

/** A sample that runs. */
interface Started {
  said: string
  /** The address of the page. */
  page: string
  /** What stands behind # in the link. */
  secret: string
  /** Ctrl-C, which a terminal sends to npm and to what it has started. */
  stop(): Promise<void>
}

const test = base.extend<{ folder: string; start: (...prefix: string[]) => Promise<Started> }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest asks for a pattern
  folder: async ({}, use) => {
    const parent = await mkdtemp(join(tmpdir(), 'start it’s-'))
    // Root's PostgreSQL runs as another user, who passes through.
    await chmod(parent, 0o711)
    await use(join(parent, 'sample'))
    await rm(parent, { recursive: true })
  },
  start: async ({ folder }, use) => {
    const running: ChildProcess[] = []
    await use(async (...prefix) => {
      const [program = '', ...args] = [...prefix, 'npm', 'start', '--', '--folder', folder, '--port', '0']
      // The variables of a user who backs up other things.
      const env = { ...process.env, DATABASE_URL: 'postgresql://not.asked/', TELEGRAM_BOT_TOKEN: '1:x' }
      const child = spawn(program, args, {
        cwd: ROOT,
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      running.push(child)
      return await untilReady(child)
    })
    for (const child of running)
      if (child.exitCode === null && child.signalCode === null) signalGroup(child, 'SIGKILL')
  },
})

async function untilReady(child: ChildProcess): Promise<Started> {
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', text => {
      said += text
    })
  const ended = once(child, 'close')
  const until = performance.now() + STARTED_WITHIN_MS
  for (;;) {
    const [, page, secret] = /(http:\/\/127\.0\.0\.1:\d+)\/link#(\S+)/.exec(said) ?? []
    if (page !== undefined && secret !== undefined && said.includes('Ctrl-C'))
      return {
        ...{ said, page, secret },
        stop: async () => {
          signalGroup(child, 'SIGINT')
          await ended
        },
      }
    if (child.exitCode !== null || performance.now() > until) throw new Error(`It did not start:\n${said}`)
    await delay(100)
  }
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid !== undefined) process.kill(-pid, name)
}

interface Overview {
  state: string
  sources: Array<{
    source: string
    state: string
    proof: { depth: string }
    sizes: Array<{ at: string }>
    last_good: { id: string } | null
  }>
  buckets: Array<{ name: string; state: string; last_snapshot_at: string } & Record<BucketSize, number>>
  alerts: Array<{ kind: string; source: string }>
}

type BucketSize = 'objects' | 'bytes' | 'undeletable_bytes' | 'dead_bytes'

interface SignedIn {
  status: number
  overview(): Promise<Overview>
  ask(path: string, json: unknown): Promise<void>
}

/** Signs in by the link, and asks with the cookie. */
async function signIn({ page, secret }: Started): Promise<SignedIn> {
  const answer = await fetch(`${page}/api/v1/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: page },
    body: JSON.stringify({ link: secret }),
  })
  const cookie = answer.headers.getSetCookie().map(line => line.split(';')[0])
  return {
    status: answer.status,
    overview: async () => {
      const seen = await fetch(`${page}/api/v1/overview`, { headers: { Cookie: cookie.join('; ') } })
      return (await seen.json()) as Overview
    },
    ask: async (path, json) => {
      const asked = await fetch(`${page}/api/v1/${path}`, {
        method: 'POST',
        headers: { Cookie: cookie.join('; '), 'Content-Type': 'application/json', Origin: page },
        body: JSON.stringify(json),
      })
      expect(asked.ok, await asked.text()).toBe(true)
    },
  }
}

/** What still works in the folder or names it. */
function leftProcesses(folder: string): string[] {
  const named = execFileSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' })
    .split('\n')
    .filter(line => line.includes(folder))
  const working = readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)
    } catch {
      return false
    }
  })
  return [...named, ...working]
}

test('a newcomer sees three sources and a bucket with days of history, an alert and a drill; Ctrl-C stops all of it, and the next start goes on', async ({
  folder,
  start,
}) => {
  const first = await start()
  const { status, overview } = await signIn(first)
  expect(status).toBe(200)
  const { sources, buckets, alerts } = await overview()
  expect(sources.map(({ source }) => source).toSorted()).toEqual(['documents', 'logs', 'shop'])
  for (const { sizes } of sources) {
    const [oldest = '', newest = ''] = [sizes[0]?.at, sizes.at(-1)?.at]
    expect(Date.parse(newest) - Date.parse(oldest)).toBeGreaterThan(3 * DAY_MS)
    expect(Date.now() - Date.parse(newest)).toBeLessThan(2 * DAY_MS)
  }
  expect(buckets).toMatchObject([{ name: 'laptop', state: 'ok' }])
  for (const size of ['objects', 'bytes', 'undeletable_bytes', 'dead_bytes'] as const)
    expect(buckets[0]?.[size], size).toBeGreaterThan(1)
  const snapshotAgeMs = Date.now() - Date.parse(buckets[0]?.last_snapshot_at ?? '')
  expect(snapshotAgeMs).toBeGreaterThan(0)
  expect(snapshotAgeMs).toBeLessThan(1.1 * DAY_MS)
  expect(alerts).toMatchObject([{ kind: 'backup_small', source: 'logs' }])
  await expect
    .poll(async () => (await overview()).sources.find(({ source }) => source === 'shop')?.proof.depth)
    .toBe('contents')
  // A link is used once.
  expect((await signIn(first)).status).not.toBe(200)

  await first.stop()
  expect(leftProcesses(folder)).toEqual([])
  expect(first.said).not.toContain(readFileSync(join(folder, 'backup-key.txt'), 'utf8').split('\n').at(-2))

  // A start that was killed leaves the name of its process, which another program may have by now.
  await writeFile(join(folder, 'chat', 'lock.json'), JSON.stringify({ pid: process.pid, processStartMs: 1 }))
  const second = await start()
  // The line is for a shell, whatever the folder is called.
  const [line = ''] = /node cli\/bin\/telegram-backup.js status .*/.exec(second.said) ?? []
  expect(execFileSync('sh', ['-c', `${line} --json || true`], { cwd: ROOT, encoding: 'utf8' })).toContain(
    '"sentence"',
  )
  const again = await (await signIn(second)).overview()
  expect(again.sources.map(({ sizes }) => sizes.length)).toEqual(sources.map(({ sizes }) => sizes.length))
  await second.stop()
  expect(leftProcesses(folder)).toEqual([])
})

test.runIf(process.getuid?.() === 0)(
  'without client programs, the shop is a dump as a file, and its row says so',
  async ({ folder, start }) => {
    const hide = 'mount -t tmpfs none /usr/lib/postgresql && exec "$@"'
    const { said, stop, ...started } = await start('unshare', '--mount', 'sh', '-c', hide, 'sh')
    expect(said).toContain('pg_dump is not installed')
    const signedIn = await signIn({ said, stop, ...started })
    const { sources } = await signedIn.overview()
    expect(sources.map(({ source }) => source).toSorted()).toEqual(['documents', 'logs', 'shop-dump-file'])
    const newest = sources.find(({ source }) => source === 'documents')?.last_good?.id
    await signedIn.ask(`backups/${newest}/restore`, { target: 'documents-restored' })
    const restored = (): string[] => {
      const place = join(folder, 'documents-restored')
      return existsSync(place) ? readdirSync(place, { recursive: true, encoding: 'utf8' }).toSorted() : []
    }
    await expect
      .poll(restored, { timeout: 60_000 })
      .toEqual(readdirSync(join(folder, 'documents'), { recursive: true, encoding: 'utf8' }).toSorted())
    await stop()
    expect(leftProcesses(folder)).toEqual([])
  },
)

test('nothing is written into a folder that is not a sample’s', async ({ folder }) => {
  const other = join(folder, '..')
  await writeFile(join(other, 'mine'), 'x')
  const args = ['start', '--', '--folder', other, '--fresh']
  const child = spawn('npm', args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text
  })
  const [code] = await once(child, 'close')
  expect(said).toContain('is not the folder of a sample')
  expect(code).toBe(2)
  expect(readdirSync(other)).toEqual(['mine'])
  expect(existsSync(folder)).toBe(false)
})

test('a port that is none is refused before anything is made', ({ folder }) => {
  const args = ['start', '--', '--folder', folder, '--port', 'abc']
  const { status, stderr } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' })
  expect(status).toBe(2)
  expect(stderr).toContain('hint: Give a whole number from 0 to 65535.')
  expect(existsSync(folder)).toBe(false)
})
