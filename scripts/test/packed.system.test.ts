import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { generateIdentity } from '@telegram-backup/archive'
import { type Emulator, startEmulator } from '@telegram-backup/bot-api-emulator'
import { startServe } from '@telegram-backup/test-support/serve-process.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

// What somebody gets who has the tarballs and npm, in an empty folder far from the repository. Unlike
// pack.test.ts this asks npm's registry for what the packages depend on, so a dependency that is declared
// nowhere is missing here.

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
const SECRET_FREE_ENVIRONMENT = {
  // npm finds the Node that runs this test; nothing of the repository's own is on the path.
  PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
  HOME: process.env['HOME'] ?? tmpdir(),
}
/** Undefined where the system has none that is too old. */
const OLDER_NODE = /^v(1\d|2[0-3])\./.test(
  spawnSync('/usr/bin/node', ['--version'], { encoding: 'utf8' }).stdout ?? '',
)
  ? '/usr/bin/node'
  : undefined
let folder: string
let emulator: Emulator
/** As npm has linked it. */
const command = (): string => join(folder, 'node_modules', '.bin', 'telegram-backup')

beforeAll(async () => {
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'pack.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  folder = mkdtempSync(join(tmpdir(), 'packed-'))
  // Without it, npm would install into a folder above that has packages already.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const packages = join(ROOT, 'build', 'packages')
  const tarballs = readdirSync(packages).map(name => join(packages, name))
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs]
  // With the settings of whoever runs the tests: proxies, certificates, npm's cache.
  await run('npm', install, { cwd: folder, timeout: 280_000 })
  emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
}, 300_000)

afterAll(async () => {
  await emulator?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The first TypeScript block below that heading. */
function codeBelow(readme: string, heading: string): string {
  const [, after = ''] = readFileSync(join(ROOT, readme), 'utf8').split(`\n${heading}\n`)
  const [, code] = /```ts\n([\s\S]*?)```/.exec(after) ?? []
  if (code === undefined) throw new Error(`${readme} has no code below ${heading}`)
  return code
}

/** The packages that were installed, by their names. */
function installed(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return manifest.dependencies
}

it('installs every package, each from its tarball', () => {
  const dependencies = installed()
  expect(Object.values(dependencies).every(source => source.endsWith('.tgz'))).toBe(true)
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  const ours = [...lock.matchAll(/"resolved": "file:.*\.tgz"/g)]
  expect(ours).toHaveLength(Object.keys(dependencies).length)
  expect(lock).not.toMatch(/registry\.npmjs\.org\/(@telegram-backup|telegram-deployment-bot)/)
})

it('the library example of the README sends and records, as it is printed there', async () => {
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type: 'channel', title: 'Vault', administrators: [{ bot }] })
  const { recipient } = await generateIdentity()
  writeFileSync(join(folder, 'example.mjs'), codeBelow('README.md', '## As a library'))
  writeFileSync(join(folder, 'shop.sql'), 'CREATE TABLE orders (id integer);\n')
  const { stdout } = await run(process.execPath, ['example.mjs'], {
    cwd: folder,
    env: {
      ...SECRET_FREE_ENVIRONMENT,
      TELEGRAM_API_ROOT: emulator.url,
      TELEGRAM_BOT_TOKEN: bot.token,
      TELEGRAM_CHAT_ID: String(chat.id),
      TELEGRAM_BACKUP_HOME: join(folder, 'state'),
      BACKUP_AGE_RECIPIENTS: recipient,
    },
  })
  expect(stdout).toMatch(/^[0-9a-f-]{36}\n$/)
  const captions = emulator.inspect.messages(chat.id).map(({ caption }) => caption ?? '')
  expect(captions.some(caption => caption.includes(stdout.trim()))).toBe(true)
})

it('its command does the main job from there: the demo', async () => {
  const { stdout } = await run(command(), ['demo', '--json'], {
    cwd: folder,
    env: SECRET_FREE_ENVIRONMENT,
    maxBuffer: 2 ** 24,
  })
  expect(JSON.parse(stdout)).toMatchObject({ success: true })
})

it.runIf(OLDER_NODE)('its command runs under the older Node of this system', async () => {
  await run('npm', ['rebuild', 'node'], { cwd: folder, timeout: 120_000 })
  const { stdout } = await run(OLDER_NODE ?? '', [command(), 'demo', '--json'], {
    cwd: tmpdir(),
    env: { ...SECRET_FREE_ENVIRONMENT, PATH: '/usr/bin:/bin' },
    maxBuffer: 2 ** 24,
  })
  expect(JSON.parse(stdout)).toMatchObject({ success: true })
})

it('its serve answers / with the page, and with the files that the page names', async () => {
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type: 'channel', title: 'Vault', administrators: [{ bot }] })
  const { recipient } = await generateIdentity()
  const serve = startServe(
    {
      ...SECRET_FREE_ENVIRONMENT,
      TELEGRAM_API_ROOT: emulator.url,
      TELEGRAM_BOT_TOKEN: bot.token,
      TELEGRAM_CHAT_ID: String(chat.id),
      TELEGRAM_BACKUP_HOME: join(folder, 'page-home'),
      BACKUP_AGE_RECIPIENTS: recipient,
    },
    ['--json'],
    command(),
  )
  try {
    await serve.ready
    const [, page = ''] = /"page": "([^"]+)"/.exec(serve.log()) ?? []
    const html = await (await fetch(page)).text()
    const files = [...html.matchAll(/(?:src|href)="((?:\.\/)?(?:assets|icon)[^"]+)"/g)].map(
      ([, path]) => path,
    )
    expect(files.length).toBeGreaterThanOrEqual(3)
    for (const path of files) expect((await fetch(new URL(path as string, page))).status, path).toBe(200)
  } finally {
    await serve.end('SIGTERM')
  }
}, 120_000)

it('has all that serve is made of: its help is there, and every module of the packages loads', async () => {
  const { stdout } = await run(command(), ['serve', '--help'], {
    cwd: folder,
    env: SECRET_FREE_ENVIRONMENT,
  })
  expect(stdout).toContain('--port')
  const modules = Object.keys(installed()).flatMap(name => {
    const dist = join(folder, 'node_modules', name, 'dist')
    // Threads start to work when they are loaded; all else only defines something.
    return readdirSync(dist, { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.js') && !file.includes('thread'))
      .map(file => pathToFileURL(join(dist, file)).href)
  })
  expect(modules.length).toBeGreaterThan(500)
  writeFileSync(
    join(folder, 'load-all.mjs'),
    `for (const module of ${JSON.stringify(modules)}) await import(module)\nconsole.log('all')`,
  )
  const loaded = await run(process.execPath, ['load-all.mjs'], { cwd: folder, env: SECRET_FREE_ENVIRONMENT })
  expect(loaded.stdout).toBe('all\n')
})
