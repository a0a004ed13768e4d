import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generateIdentity } from '@telegram-backup/archive'
import { type Emulator, startEmulator } from '@telegram-backup/bot-api-emulator'
import type { Backup, BackupDetails } from '@telegram-backup/database'
import {
  clientFolder,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import type { Side } from '#bench/measure.ts'

const SCRIPTS = join(import.meta.dirname, '..')
/** The program as it is installed: the packer leaves it here. */
const LAUNCHER = join(SCRIPTS, '..', 'build', 'stage', 'cli', 'bin', 'telegram-backup.js')
/** What the shell line cuts its stream into: our own size of a part. */
const PART_BYTES = 20 * 2 ** 20 - 64 * 1024

/** A chat behind the emulator, a PostgreSQL server, keys and a folder: all that both sides work with. */
export interface BenchVault {
  folder: string
  server: PostgresServer
  emulator: Emulator
  /** Our command line. */
  cli(...args: string[]): Side
  /** Its JSON answer. */
  ask<Answer>(...args: string[]): Promise<Answer>
  /** What a person would type instead. */
  shell(line: string, env?: Record<string, string>): Side
  /** The end of a shell line that takes plain bytes and puts them into the chat. */
  shellUpload: string
  /** The begin of a shell line that gives the plain bytes of a backup, out of its file ids in `$IDS`. */
  shellDownload: string
  /** The newest backup of a project. */
  newest(project: string): Promise<{ backup: BackupDetails; fileIds: string }>
  close(): Promise<void>
}

export async function openVault(): Promise<BenchVault> {
  await promisify(execFile)(process.execPath, [join(SCRIPTS, 'pack.ts')])
  const folder = await mkdtemp(join(tmpdir(), 'telegram-backup-bench-'))
  await chmod(folder, 0o711)
  const emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
  const server = await startPostgresServer(await installedServer(), [
    'max_wal_size=8GB',
    'shared_buffers=256MB',
  ])
  const major = Number(await server.sql('postgres', 'show server_version_num')) / 10_000
  const clients = await clientFolder(Math.floor(major))
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type: 'channel', title: 'Bench', administrators: [{ bot }] })
  const { identity, recipient } = await generateIdentity()
  const keyFile = join(folder, 'key.txt')
  await writeFile(keyFile, `${identity}\n`)
  const environment = {
    TELEGRAM_API_ROOT: emulator.url,
    TELEGRAM_BOT_TOKEN: bot.token,
    TELEGRAM_CHAT_ID: String(chat.id),
    TELEGRAM_BACKUP_HOME: join(folder, 'home'),
    BACKUP_AGE_RECIPIENTS: recipient,
    BACKUP_AGE_IDENTITY_FILE: keyFile,
    API: `${emulator.url}/bot${bot.token}`,
    FILE_API: `${emulator.url}/file/bot${bot.token}`,
  }
  const cli = (...args: string[]): Side => ({
    command: process.execPath,
    args: [LAUNCHER, ...args],
    env: environment,
  })
  const ask = async <Answer>(...args: string[]): Promise<Answer> => {
    const { stdout } = await promisify(execFile)(process.execPath, [LAUNCHER, ...args, '--json'], {
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      maxBuffer: 2 ** 28,
    })
    return JSON.parse(stdout) as Answer
  }
  const curl = `curl -fsS -o /dev/null -F chat_id=${chat.id} -F "document=@-;filename=$FILE.age" "$API/sendDocument"`
  return {
    folder,
    server,
    emulator,
    cli,
    ask,
    shell: (line, env = {}) => ({
      command: 'bash',
      args: ['-c', `set -o pipefail; ${line}`],
      // The PATH's own pg_dump may be of an older server, or another one than ours.
      env: { PATH: `${clients}:${process.env['PATH'] ?? ''}`, ...environment, ...env },
    }),
    shellUpload: `zstd -q -3 -c | age -r ${recipient} | split -b ${PART_BYTES} --filter='${curl}' - part`,
    shellDownload:
      `for f in $IDS; do p=$(curl -fsS "$API/getFile?file_id=$f" | sed 's/.*"file_path":"\\([^"]*\\)".*/\\1/'); ` +
      `curl -fsS "$FILE_API/$p" | age -d -i "$BACKUP_AGE_IDENTITY_FILE" || exit 1; done | zstd -q -d`,
    newest: async project => {
      const [newest] = await ask<Backup[]>('list', '--project', project, '--state', 'complete')
      const backup = await ask<BackupDetails>('show', newest?.id ?? '')
      return { backup, fileIds: backup.parts.map(part => part.file_id).join(' ') }
    },
    close: async () => {
      await emulator.close()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Fails, naming them, when programs of the shell lines are not installed. */
export async function requirePrograms(...names: string[]): Promise<void> {
  for (const name of names) {
    await promisify(execFile)('sh', ['-c', 'command -v "$1"', 'sh', name]).catch(() => {
      throw new Error(`The bench compares against ${name}, which is not installed: apt-get install ${name}`)
    })
  }
}
