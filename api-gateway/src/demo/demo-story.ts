import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepareWorld, startEmulator } from '@telegram-backup/bot-api-emulator'
import { bareEnvironment } from '#config.ts'
import { openSampleDatabase, type TableContents } from '#demo/sample-database.ts'
import { BackupError } from '#lib/backups/backup-error.ts'

/** What the demo found. */
export interface DemoResult {
  success: boolean
  backup_id: string
  /** Each table of the sample database, and whether it came back the same. */
  tables: Array<TableContents & { equal: boolean }>
  messages_in_chat: number
  seconds: number
}

type Tell = (line: string) => void

/**
 * The main job with nothing installed: makes a sample database, backs it up with this very command line through a Bot
 * API server on this machine, fetches it back into a second database, and compares. All of it lies in a temporary
 * folder that is removed at the end.
 */
export async function playDemo(tell: Tell, signal: AbortSignal): Promise<DemoResult> {
  const startMs = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'telegram-backup-demo-'))
  // The embedded PostgreSQL never runs as root, so as root its user must be able to pass through.
  await chmod(folder, 0o711)
  const emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
  try {
    const { bot, chat } = prepareWorld(emulator)
    const shell = commandLine({
      tell,
      signal,
      environment: {
        TELEGRAM_API_ROOT: emulator.url,
        TELEGRAM_BOT_TOKEN: bot.token,
        TELEGRAM_CHAT_ID: String(chat.id),
        TELEGRAM_BACKUP_HOME: join(folder, 'state'),
      },
    })
    tell(
      `A Bot API server with Telegram’s limits runs at ${emulator.url}; the chat is a private channel, ${chat.id}.`,
    )
    tell('\n1. A sample database: a shop with customers and orders.')
    const source = await openSampleDatabase({ filled: true })
    const before = await source.contents()
    const dump = await source.dump()
    await source.close()
    const dumpFile = join(folder, 'shop.sql')
    await writeFile(dumpFile, dump)
    for (const { table, rows } of before) tell(`   ${table}: ${rows} rows`)

    tell(
      '\n2. A key. The server needs only its public half; the key file opens backups and belongs somewhere else.',
    )
    const keyFile = join(folder, 'backup-key.txt')
    const { recipient } = await shell<{ recipient: string }>('keygen', ['--out', keyFile])
    tell(`   ${recipient}`)

    tell(
      '\n3. The dump goes to the chat: compressed, encrypted, in parts, each proven, and recorded in the catalog.',
    )
    const keys = { BACKUP_AGE_RECIPIENTS: recipient }
    const send = ['--project', 'shop', '--type', 'database', '--file', dumpFile]
    const sent = await shell<{ databaseRecord: { id: string; size: number; archive_size: number } }>(
      'send',
      send,
      keys,
    )
    const { id, size, archive_size } = sent.databaseRecord
    tell(`   ${size} bytes of SQL became ${archive_size} bytes in the chat.`)

    tell('\n4. What the catalog (an embedded PostgreSQL) knows, and what lies in the chat:')
    const backups = await shell<Array<{ id: string; state: string }>>('list', [])
    for (const backup of backups) tell(`   ${backup.id}  ${backup.state}`)
    const messages = emulator.inspect.messages(chat.id)
    for (const { document } of messages) tell(`   ${document?.file_name}  ${document?.file_size} bytes`)

    tell(
      '\n5. The worst day: the database is gone. Fetch the backup with the key file, and restore it into a new one.',
    )
    await rm(dumpFile)
    const fetched = join(folder, 'fetched.sql')
    await shell('fetch', [id, '--out', fetched], { BACKUP_AGE_IDENTITY_FILE: keyFile })
    const sql = await readFile(fetched, 'utf8')
    const target = await openSampleDatabase({ filled: false })
    await target.restore(sql)
    const after = await target.contents()
    await target.close()

    tell('\n6. Compare, table by table:')
    const tables = compareTables(before, after)
    for (const { table, rows, checksum, equal } of tables) {
      tell(`   ${table}: ${rows} rows, checksum ${checksum.slice(0, 12)}, ${equal ? 'equal' : 'DIFFERENT'}`)
    }
    const success = sql === dump && tables.length > 0 && tables.every(({ equal }) => equal)
    const seconds = Math.round((performance.now() - startMs) / 100) / 10
    return { success, backup_id: id, tables, messages_in_chat: messages.length, seconds }
  } finally {
    await emulator.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function compareTables(
  before: readonly TableContents[],
  after: readonly TableContents[],
): DemoResult['tables'] {
  const restored = new Map(after.map(contents => [contents.table, contents]))
  return before.map(contents => {
    const other = restored.get(contents.table)
    return { ...contents, equal: other?.rows === contents.rows && other.checksum === contents.checksum }
  })
}

type Run = <Answer>(
  command: string,
  args: readonly string[],
  extra?: Record<string, string>,
) => Promise<Answer>

/** This program's own command line as a child process, with `--json`; it tells what it types, and throws on failure. */
function commandLine(options: { tell: Tell; signal: AbortSignal; environment: Record<string, string> }): Run {
  const launcher = fileURLToPath(import.meta.resolve('#launcher'))
  return async (command, args, extra = {}) => {
    options.tell(`   $ telegram-backup ${[command, ...args].join(' ')}`)
    const child = spawn(process.execPath, [launcher, command, ...args, '--json'], {
      env: { ...bareEnvironment(), ...options.environment, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: options.signal,
    })
    const [stdout, stderr, exitCode] = await Promise.all([
      readAll(child.stdout),
      readAll(child.stderr),
      new Promise<number | null>((resolve, reject) => {
        child.on('error', reject)
        child.on('close', resolve)
      }),
    ])
    if (exitCode !== 0)
      throw new BackupError(`"telegram-backup ${command}" failed: ${stderr.trim()}`, { code: 'DEMO' })
    return JSON.parse(stdout)
  }
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}
