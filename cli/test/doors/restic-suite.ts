import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where Debian's packages put the sources of Go libraries. */
const DEBIAN_GO = '/usr/share/gocode/src'

/** restic's tests of its REST backend as a program, and the folder in which it has to run. */
export interface ResticSuite {
  program: string
  folder: string
}

/**
 * Compiles restic's tests of its REST backend from Debian's sources, without any module from elsewhere; at the
 * first call, for about a minute. It keeps the result in the user's cache folder. Throws, with what is missing.
 */
export async function resticSuite(): Promise<ResticSuite> {
  await assertInstalled()
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'telegram-backup-doors')
  const sources = await sourcesOfRestic(cache)
  const gopath = join(cache, 'go')
  const own = join(gopath, 'src', 'github.com', 'restic', 'restic')
  const program = join(cache, 'rest.test')
  const folder = join(own, 'internal', 'backend', 'rest')
  if (existsSync(program) && existsSync(folder)) return { program, folder }
  await mkdir(join(gopath, 'src'), { recursive: true })
  await cp(DEBIAN_GO, join(gopath, 'src'), { recursive: true, verbatimSymlinks: true })
  await cp(sources, own, { recursive: true })
  await run('go', ['test', '-c', '-o', program, './internal/backend/rest'], {
    cwd: own,
    env: {
      ...process.env,
      ...{ GOPATH: gopath, GOCACHE: join(cache, 'go-build'), GO111MODULE: 'off' },
      ...{ GOPROXY: 'off', GOTOOLCHAIN: 'local', GOFLAGS: '' },
    },
  })
  return { program, folder }
}

/** Throws for a machine without the programs of these tests: a suite that skips them proves nothing. */
export async function assertInstalled(): Promise<void> {
  const programs = { restic: 'restic', go: 'golang-go', fusermount3: 'fuse3', 'dpkg-source': 'dpkg-dev' }
  const found = await Promise.all(
    Object.entries(programs).map(async ([program, name]) =>
      (await run('sh', ['-c', 'command -v "$1"', 'sh', program]).catch(() => undefined)) === undefined
        ? name
        : undefined,
    ),
  )
  const missing = found.filter(name => name !== undefined)
  if (missing.length > 0) throw new Error(`These tests need the packages ${missing.join(', ')}`)
  if (existsSync(join(DEBIAN_GO, 'github.com'))) return
  throw new Error('These tests need what restic is built with: apt-get build-dep restic')
}

async function sourcesOfRestic(cache: string): Promise<string> {
  await mkdir(cache, { recursive: true })
  const there = await unpackedIn(cache)
  if (there !== undefined) return there
  await run('apt-get', ['source', 'restic'], { cwd: cache }).catch((error: Error) => {
    throw new Error('These tests need the sources of restic: enable deb-src in the sources of apt', {
      cause: error,
    })
  })
  return (await unpackedIn(cache)) ?? Promise.reject(new Error('apt-get source unpacked no restic'))
}

async function unpackedIn(cache: string): Promise<string | undefined> {
  const names = await readdir(cache, { withFileTypes: true })
  const found = names.find(entry => entry.isDirectory() && /^restic-\d/.test(entry.name))
  return found && join(cache, found.name)
}
