import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { freePort } from '@telegram-backup/test-support/servers/postgres-server.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProgram } from '#cli.ts'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let catalog: TestCatalog
let env: Record<string, string>
let file: string

beforeAll(async () => {
  vault = await openTestVault()
  catalog = await openTestCatalog()
  env = { ...(await cliEnvironment(vault)), ...catalog.env }
  file = join(vault.folder, 'file.sql')
  await writeFile(file, 'SELECT 1;')
})

afterAll(async () => {
  await catalog.discard()
  await vault.close()
})

interface Case {
  what: string
  code: number
  says: RegExp
  args?: string[]
  env?: () => Promise<Record<string, string>> | Record<string, string>
}

const SEND = ['send', '--project', 'shop', '--type', 'database']

const CASES: Case[] = [
  {
    what: 'a wrong token',
    code: 2,
    says: /token/,
    env: () => ({ TELEGRAM_BOT_TOKEN: `123456789:${'A'.repeat(35)}` }),
  },
  {
    what: 'a token of a wrong shape',
    code: 2,
    says: /token/,
    env: () => ({ TELEGRAM_BOT_TOKEN: 'nonsense' }),
  },
  { what: 'no token', code: 2, says: /TELEGRAM_BOT_TOKEN/, env: () => ({ TELEGRAM_BOT_TOKEN: '' }) },
  { what: 'a wrong chat', code: 2, says: /chat/, env: () => ({ TELEGRAM_CHAT_ID: '-1009999999999' }) },
  { what: 'no chat', code: 2, says: /TELEGRAM_CHAT_ID/, env: () => ({ TELEGRAM_CHAT_ID: '' }) },
  {
    what: 'a missing right',
    code: 2,
    says: /post messages|administrator/,
    env: () => {
      const bot = vault.emulator.createBot()
      const chat = vault.emulator.createChat({
        type: 'channel',
        title: 'No posting',
        administrators: [{ bot, rights: { can_post_messages: false } }],
      })
      return { TELEGRAM_BOT_TOKEN: bot.token, TELEGRAM_CHAT_ID: String(chat.id) }
    },
  },
  { what: 'no key', code: 2, says: /BACKUP_AGE_RECIPIENTS/, env: () => ({ BACKUP_AGE_RECIPIENTS: '' }) },
  {
    what: 'a key that is none',
    code: 2,
    says: /age1|recipient|public key/i,
    env: () => ({ BACKUP_AGE_RECIPIENTS: 'age1nonsense' }),
  },
  {
    what: 'an unknown type',
    code: 2,
    says: /database, storage, logs/,
    args: ['send', '--project', 'shop', '--type', 'photos', '--file'],
  },
  {
    what: 'a project that climbs',
    code: 2,
    says: /project/,
    args: ['send', '--project', '../../etc', '--type', 'logs', '--file'],
  },
  { what: 'a missing file', code: 2, says: /no such file/, args: [...SEND, '--file', '/no/such/file'] },
  { what: 'a directory as the file', code: 2, says: /--directory/, args: [...SEND, '--file', '/tmp'] },
  { what: 'no project', code: 2, says: /--project/, args: ['send', '--type', 'logs', '--file'] },
  { what: 'no source', code: 2, says: /--file PATH/, args: SEND },
  { what: 'two sources', code: 2, says: /exactly one source/, args: [...SEND, '-', '--file'] },
  {
    what: 'an expiry in the past',
    code: 2,
    says: /future/,
    args: [...SEND, '--expires', '2001-01-01', '--file'],
  },
  {
    what: 'an expiry that never comes',
    code: 2,
    says: /pin ID/,
    args: [...SEND, '--expires', 'never', '--file'],
  },
  { what: 'an unknown option', code: 2, says: /unknown option/, args: [...SEND, '--fiel'] },
  {
    what: 'an unknown option that holds a password',
    code: 2,
    says: /unknown option/,
    args: [...SEND, '--postgress=postgresql://u:s3cret@db/shop'],
  },
  {
    what: 'a bad number in the environment',
    code: 2,
    says: /TELEGRAM_PART_SIZE/,
    env: () => ({ TELEGRAM_PART_SIZE: '20MB' }),
  },
  { what: 'a part size too small', code: 2, says: /part/i, env: () => ({ TELEGRAM_PART_SIZE: '100' }) },
  {
    what: 'no network',
    code: 1,
    says: /could not be reached/,
    env: async () => ({ TELEGRAM_API_ROOT: `http://127.0.0.1:${await freePort()}` }),
  },
  {
    what: 'a catalog server that is not there',
    code: 1,
    says: /catalog|database|connect/i,
    env: async () => ({ DATABASE_URL: `postgresql://u:s3cret@127.0.0.1:${await freePort()}/x` }),
  },
]

describe('what send refuses, with nothing sent and nothing recorded', () => {
  it.each(CASES)('$what: exit $code', async ({ args, code, says, ...rest }) => {
    const sends = vault.emulator.inspect.calls('sendDocument')
    const before = (await callCli(['list', '--json'], { env })).json()
    const complete =
      args === undefined || args.at(-1) === '--file' ? [...(args ?? [...SEND, '--file']), file] : args
    const run = await callCli([...complete, '--json'], { env: { ...env, ...(await rest.env?.()) } })
    expect(run.stderr + run.stdout).toMatch(says)
    expect(run.code).toBe(code)
    expect(run.json()).toMatchObject({ success: false, code: expect.any(String) })
    // What the option parser refuses never reached the command.
    if (!says.test('unknown option')) {
      expect(run.json()).toMatchObject({ details: { telegramSuccess: false, databaseSuccess: false } })
    }
    expect(run.stderr + run.stdout).not.toContain('s3cret')
    expect(run.stderr + run.stdout).not.toContain(vault.token.split(':')[1])
    expect(vault.emulator.inspect.calls('sendDocument')).toBe(sends)
    expect((await callCli(['list', '--json'], { env })).json()).toEqual(before)
  })
})

describe('what send --json says is', () => {
  it.each([
    { what: 'a missing file', args: ['--file', '/no/such/file'], says: /^The file \/no\/such\/file cannot/ },
    { what: 'a bad expiry', args: ['--expires', '2001-01-01', '--file', '/x'], says: /^--?expires|future/i },
    {
      what: 'a bad project',
      args: ['--project', '../x', '--file', import.meta.filename],
      says: /^The project/,
    },
    { what: 'a bad key', env: { BACKUP_AGE_RECIPIENTS: 'age1nonsense' }, says: /^A recipient is not/ },
    { what: 'no token', env: { TELEGRAM_BOT_TOKEN: '' }, says: /^No bot token/ },
  ])('$what, and not a failure of Telegram', async ({ args, says, ...rest }) => {
    const run = await callCli([...SEND, ...(args ?? ['--file', file]), '--json'], {
      env: { ...env, ...rest.env },
    })
    expect(run).toMatchObject({ code: 2 })
    expect(run.json()).toMatchObject({ success: false, error: expect.stringMatching(says) })
    expect(run.stdout).not.toContain('Failed to send')
  })

  it('the side that failed, where Telegram did', async () => {
    const run = await callCli([...SEND, '--file', file, '--json'], {
      env: { ...env, TELEGRAM_BOT_TOKEN: `123456789:${'A'.repeat(35)}` },
    })
    expect(run.json()).toMatchObject({ error: expect.stringMatching(/^Failed to send backup to Telegram: /) })
  })
})

describe('other commands', () => {
  it('an id that the catalog does not know exits 4', async () => {
    for (const args of [
      ['show', '3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11'],
      ['show', 'nonsense'],
      ['fetch', '3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11', '--out', 'x'],
    ]) {
      const run = await callCli(args, { env })
      expect(run.code, args.join(' ')).toBe(4)
      expect(run.stderr).toContain('telegram-backup list')
    }
  })

  it.each([
    [['keygen', '--out', '/no/such/folder/key.txt'], /folder does not exist[\s\S]*mkdir/],
    [['apikey', 'create', '--name', 'x'], /a scope[\s\S]*--scope read/],
    [
      ['schedule', 'change', 'x', '--keep-daily', 'x'],
      /not a whole number[\s\S]*hint: [\s\S]*--keep-daily 7/,
    ],
    [['schedule', 'change', 'x', '--catch-up', 'x'], /neither[\s\S]*hint: "once"/],
    [['verify', '3f0c2c1e', '--all'], /cannot be combined[\s\S]*hint: Give the id alone/],
    [['verify', '3f0c2c1e', '--on', 'x'], /needs --drill[\s\S]*hint: Give --drill/],
  ])('%j exits 2 and says what to give', async (args, words) => {
    const run = await callCli(args, { env })
    expect(run.stderr).toMatch(words)
    expect(run.code).toBe(2)
  })

  it('hints name the whole form of a URL, and --chat as well as TELEGRAM_CHAT_ID', async () => {
    const config = join(vault.folder, 'bad.yaml')
    await writeFile(config, 'sources:\n  shop: 5\n')
    const gone = join(vault.folder, 'gone.yaml')
    const hints: [args: string[], env: Record<string, string>, hint: string][] = [
      [['--postgres', 'mysql://u:s3cret@x'], {}, 'postgresql://USER@HOST:PORT/DATABASE,'],
      [['--source', 'shop'], { TELEGRAM_BACKUP_CONFIG: config }, '"postgresql://USER@HOST/DATABASE"'],
      [['--source', 'shop'], { TELEGRAM_BACKUP_CONFIG: gone }, 'to a file that can be read, or unset it'],
      [['--chat', '-1009999999999', '--file', file], {}, 'from --chat or TELEGRAM_CHAT_ID'],
    ]
    for (const [args, more, hint] of hints) {
      const whole = args[0] === '--source' ? ['send', ...args] : [...SEND, ...args]
      const run = await callCli(whole, { env: { ...env, ...more } })
      expect(run.code).toBe(2)
      expect(run.stderr).toMatch(/^hint: /m)
      expect(run.stderr).toContain(hint)
      expect(run.stderr).not.toContain('s3cret')
      expect(run.stderr).not.toContain('[hidden]')
    }
  })

  it('every command and each under it has a help with an example and --json', async () => {
    const walk = (command: Command): Command[] => command.commands.flatMap(one => [one, ...walk(one)])
    const nobody = async (): Promise<never> => expect.unreachable()
    const all = walk(createProgram(nobody, process))
    expect(all.length).toBeGreaterThan(35)
    for (const command of all) {
      let help = ''
      const writeOut = (text: string): void => {
        help += text
      }
      command.configureOutput({ writeOut }).outputHelp()
      expect(help).toMatch(/^Usage: telegram-backup /)
      expect(help, help).toMatch(/\nExamples?:\n {2}telegram-backup /)
      expect(help, help).toContain('--json')
    }
    const help = await callCli(['jobs', '--help'], { env })
    expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(/--json[\s\S]*Examples:/) })
  })

  it('no command means help and exit 2, and so does one that nobody knows', async () => {
    expect((await callCli([], { env })).code).toBe(2)
    expect((await callCli(['bakcup'], { env })).code).toBe(2)
  })

  it('keygen never replaces a key file', async () => {
    const path = join(vault.folder, 'new-key.txt')
    const first = await callCli(['keygen', '--out', path, '--json'], { env })
    expect(first.json()).toMatchObject({ recipient: expect.stringMatching(/^age1/), identity_file: path })
    expect(first.stdout).not.toContain('AGE-SECRET-KEY')
    expect((await callCli(['keygen', '--out', path], { env })).code).toBe(2)
  })

  it('doctor finds what is wrong and says how to fix it', async () => {
    const good = await callCli(['doctor', '--json'], { env })
    expect(good).toMatchObject({ code: 0 })
    expect(good.json()).toMatchObject({ ok: true })
    const bad = await callCli(['doctor'], {
      env: { ...env, TELEGRAM_CHAT_ID: '-100123', BACKUP_AGE_RECIPIENTS: '' },
    })
    expect(bad.code).toBe(2)
    expect(bad.stdout).toMatch(/FAIL +chat/)
    // The public half of the key file that is there.
    expect(bad.stdout).toContain(`BACKUP_AGE_RECIPIENTS=${vault.recipient}`)
  })

  it('list of an unknown state or type exits 2', async () => {
    expect((await callCli(['list', '--state', 'lost'], { env })).code).toBe(2)
    expect((await callCli(['list', '--type', 'photos'], { env })).code).toBe(2)
    expect((await callCli(['list', '--project', '../x'], { env })).code).toBe(2)
    expect((await callCli(['stats', '--project', '../x'], { env })).code).toBe(2)
  })

  it('a state folder that cannot be made is a clear error', async () => {
    const home = join(vault.folder, 'a-file')
    await writeFile(home, '')
    const below = { DATABASE_URL: '', TELEGRAM_BACKUP_HOME: join(home, 'below') }
    const run = await callCli(['list'], { env: { ...env, ...below } })
    expect(run.code).not.toBe(0)
    expect(run.stderr).toMatch(/^error: /)
    expect(run.stderr).not.toMatch(/ at .*\.ts:\d+/)
  })
})
