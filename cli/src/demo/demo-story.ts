import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Emulator, prepareWorld, startEmulator } from '@telegram-backup/bot-api-emulator'
import type { Backup } from '@telegram-backup/database'
import { ENVIRONMENT_FILE_VARIABLE } from '@telegram-backup/engine/config/environment-files.ts'
import type { IntegratedBackupResult } from '@telegram-backup/engine/operations/backup.ts'
import { OwnCommandLine } from '#demo/own-command-line.ts'
import { openSampleDatabase, type TableContents } from '#demo/sample-database.ts'

/** What the demo found. */
export interface DemoResult {
  success: boolean
  backup_id: string
  /** Each table of the sample database, and whether it came back the same. */
  tables: Array<TableContents & { equal: boolean }>
  messages_in_chat: number
  /** Whether a fetch with a flipped bit was refused, and left no file. */
  damage_refused: boolean
  seconds: number
}

type Print = (line: string) => void

/** Small, so that a small dump has several parts. */
const PART_SIZE_BYTES = 128 * 1024

/**
 * Makes a sample database, backs it up with this command line through a Bot API server on this machine,
 * restores it into a second database, and compares the two. Everything is in a temporary folder that is
 * removed at the end.
 */
export async function playDemo(print: Print, signal: AbortSignal): Promise<DemoResult> {
  const folder = await mkdtemp(join(tmpdir(), 'telegram-backup-demo-'))
  try {
    // The embedded PostgreSQL never runs as root: its own user must be able to enter the folder.
    await chmod(folder, 0o711)
    const emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
    try {
      return await runDemo({ folder, emulator, print, signal })
    } finally {
      await emulator.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runDemo(stage: {
  folder: string
  emulator: Emulator
  print: Print
  signal: AbortSignal
}): Promise<DemoResult> {
  const { folder, emulator, print, signal } = stage
  const startMs = performance.now()
  const { bot, chat } = prepareWorld(emulator)
  const cli = new OwnCommandLine({
    print,
    signal,
    environment: {
      // The settings of this machine must not reach the demo.
      [ENVIRONMENT_FILE_VARIABLE]: 'off',
      TELEGRAM_API_ROOT: emulator.url,
      TELEGRAM_BOT_TOKEN: bot.token,
      TELEGRAM_CHAT_ID: String(chat.id),
      TELEGRAM_BACKUP_HOME: join(folder, 'state'),
      TELEGRAM_PART_SIZE: String(PART_SIZE_BYTES),
    },
  })
  print(`A Bot API server with Telegram’s limits runs at ${emulator.url};`)
  print(`the chat is a private channel, ${chat.id}. Real Telegram is not used.`)

  print('\n1. A sample database: a shop with customers and orders.')
  const source = await openSampleDatabase({ filled: true })
  const before = await source.contents()
  const dump = await source.dump()
  await source.close()
  const dumpFile = join(folder, 'shop.sql')
  await writeFile(dumpFile, dump)
  for (const { table, rows } of before) print(`   ${table}: ${rows} rows`)

  print(
    '\n2. A key. To send, only the public key is needed. The key file decrypts backups; keep it on another machine.',
  )
  const keyFile = join(folder, 'backup-key.txt')
  const { recipient } = await cli.succeed<{ recipient: string }>('keygen', ['--out', keyFile])
  print(`   ${recipient}`)

  print(
    '\n3. The dump goes to the chat: compressed, encrypted, and in parts that Telegram confirms. The catalog records it.',
  )
  const sent = await cli.succeed<IntegratedBackupResult>(
    'send',
    ['--project', 'shop', '--type', 'database', '--file', dumpFile],
    { BACKUP_AGE_RECIPIENTS: recipient },
  )
  const { id = '', size, archive_size, part_count } = sent.databaseRecord ?? {}
  print(`   ${size} bytes of SQL became ${archive_size} bytes in ${part_count} parts.`)

  print('\n4. What the catalog (an embedded PostgreSQL) has recorded, and the files in the chat:')
  const backups = await cli.succeed<Backup[]>('list', [])
  for (const backup of backups) print(`   ${backup.id}  ${backup.state}`)
  const messages = emulator.inspect.messages(chat.id)
  for (const { document } of messages) print(`   ${document?.file_name}  ${document?.file_size} bytes`)

  print('\n5. The database is lost. Fetch the backup with the key file, and restore it into a new database.')
  await rm(dumpFile)
  const fetched = join(folder, 'fetched.sql')
  const key = { BACKUP_AGE_IDENTITY_FILE: keyFile }
  await cli.succeed('fetch', [id, '--out', fetched], key)
  const sql = await readFile(fetched, 'utf8')
  const target = await openSampleDatabase({ filled: false })
  await target.restore(sql)
  const after = await target.contents()
  await target.close()

  print('\n6. Compare, table by table:')
  const tables = compareTables(before, after)
  for (const { table, rows, checksum, equal } of tables) {
    print(`   ${table}: ${rows} rows, checksum ${checksum.slice(0, 12)}, ${equal ? 'equal' : 'DIFFERENT'}`)
  }

  print('\n7. Now one bit of a part is flipped. The part is refused, and no file appears:')
  emulator.faults.on(
    'download',
    { call: 2, calls: Number.MAX_SAFE_INTEGER },
    { kind: 'flip-bit', offset: 70_000 },
  )
  const damaged = join(folder, 'damaged.sql')
  const refused = await cli.run('fetch', [id, '--out', damaged], key)
  for (const line of refused.stderr.split('\n')) print(`   ${line}`)
  const appeared = await stat(damaged).then(
    () => true,
    () => false,
  )
  const damage_refused = refused.exitCode === 5 && !appeared
  print(`   exit code ${refused.exitCode}, ${appeared ? 'but a file' : 'no file'}`)

  const equal = sql === dump && tables.length > 0 && tables.every(table => table.equal)
  const seconds = Math.round((performance.now() - startMs) / 100) / 10
  return {
    success: equal && damage_refused,
    backup_id: id,
    tables,
    messages_in_chat: messages.length,
    damage_refused,
    seconds,
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
