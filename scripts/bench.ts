// Speed and memory against what a person would type in a shell, in pairs in the same run: A B A B …, medians. Figures
// of a shared machine wander, ratios of pairs hardly do. `--pairs N` (5) and `--size MIB` (400) change the effort.
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { generateIdentity } from '@telegram-backup/archive'
import { startEmulator } from '@telegram-backup/bot-api-emulator'
import type { Backup, BackupDetails } from '@telegram-backup/database'

const run = promisify(execFile)
const MEBIBYTE = 2 ** 20
const LAUNCHER = join(import.meta.dirname, '..', 'api-gateway', 'bin', 'telegram-backup.js')

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '5' }, size: { type: 'string', default: '400' } },
})
const pairs = Number(values.pairs)
const sizeMebibytes = Number(values.size)

for (const program of ['age', 'zstd', 'curl']) {
  await run(program, ['--version']).catch(() => {
    process.stderr.write(
      `The bench compares against ${program}, which is not installed: apt-get install ${program}\n`,
    )
    process.exit(1)
  })
}

interface Measured {
  seconds: number
  peakMebibytes: number
}

/** Runs a command to its end; fails when it fails. Peak memory is the largest single process, as the kernel counted it. */
async function measure(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Measured> {
  const started = performance.now()
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    errors += text
  })
  let peakMebibytes = 0
  const watch = setInterval(async () => {
    const status = await open(`/proc/${child.pid}/status`, 'r').catch(() => undefined)
    if (!status) return
    const text = await status.readFile('utf8').catch(() => '')
    await status.close()
    peakMebibytes = Math.max(peakMebibytes, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024)
  }, 20)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  clearInterval(watch)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${code}: ${errors}`)
  return { seconds: (performance.now() - started) / 1000, peakMebibytes }
}

const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}

interface Side {
  command: string
  args: readonly string[]
  env: Record<string, string>
}

async function compare(what: string, ours: Side, alternative: Side): Promise<void> {
  const ratios: number[] = []
  const all: Record<'ours' | 'theirs', Measured[]> = { ours: [], theirs: [] }
  for (let pair = -1; pair < pairs; pair++) {
    const a = await measure(ours.command, ours.args, ours.env)
    const b = await measure(alternative.command, alternative.args, alternative.env)
    // The first pair warms caches up and does not count.
    if (pair < 0) continue
    ratios.push(a.seconds / b.seconds)
    all.ours.push(a)
    all.theirs.push(b)
  }
  const seconds = (side: Measured[]): string => median(side.map(run => run.seconds)).toFixed(2)
  const peak = Math.max(...all.ours.map(run => run.peakMebibytes)).toFixed(0)
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`
  process.stdout.write(
    `${what.padEnd(44)} ${seconds(all.ours)} s / ${seconds(all.theirs)} s   ratio ${median(ratios).toFixed(2)} (${spread})   peak ${peak} MiB\n`,
  )
}

/** Lines as a dump has them, three parts of them hardly compressible. */
async function writeSource(path: string, mebibytes: number): Promise<void> {
  const file = await open(path, 'w')
  let row = 0
  for (let written = 0; written < mebibytes * MEBIBYTE; ) {
    const lines: string[] = []
    for (let line = 0; line < 5000; line++, row++) {
      lines.push(
        `${row}\tcustomer ${row % 977}\t2026-01-01 00:00:${row % 60}\t${randomBytes(24).toString('base64')}\tpaid\n`,
      )
    }
    written += (await file.write(lines.join(''))).bytesWritten
  }
  await file.close()
}

const folder = await mkdtemp(join(tmpdir(), 'telegram-backup-bench-'))
await chmod(folder, 0o711)
const emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
try {
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type: 'channel', title: 'Bench', administrators: [{ bot }] })
  const { identity, recipient } = await generateIdentity()
  const keyFile = join(folder, 'key.txt')
  await writeFile(keyFile, `${identity}\n`)
  const source = join(folder, 'source.sql')
  await writeSource(source, sizeMebibytes)
  const env = {
    TELEGRAM_API_ROOT: emulator.url,
    TELEGRAM_BOT_TOKEN: bot.token,
    TELEGRAM_CHAT_ID: String(chat.id),
    TELEGRAM_BACKUP_HOME: join(folder, 'home'),
    BACKUP_AGE_RECIPIENTS: recipient,
    BACKUP_AGE_IDENTITY_FILE: keyFile,
    SOURCE: source,
    API: `${emulator.url}/bot${bot.token}`,
    FILE_API: `${emulator.url}/file/bot${bot.token}`,
  }
  const cli = (...args: string[]): Side => ({ command: process.execPath, args: [LAUNCHER, ...args], env })
  const shell = (line: string, extra: Record<string, string> = {}): Side => ({
    command: 'bash',
    args: ['-c', `set -o pipefail; ${line}`],
    env: { ...env, ...extra },
  })
  const upload = `curl -fsS -o /dev/null -F chat_id=${chat.id} -F "document=@-;filename=$FILE.age" "$API/sendDocument"`
  const send = cli('send', '--project', 'bench', '--type', 'database', '--file', source)

  process.stdout.write(
    `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}; ` +
      `${sizeMebibytes} MiB source, ${pairs} pairs, medians\n`,
  )
  await compare(
    'send / zstd -3 | age | split --filter=curl',
    send,
    shell(`zstd -3 -c < "$SOURCE" | age -r ${recipient} | split -b 20905984 --filter='${upload}' - part`),
  )
  const list = JSON.parse(
    (await run(process.execPath, [LAUNCHER, 'list', '--json'], { env, maxBuffer: 2 ** 26 })).stdout,
  ) as Backup[]
  const id = list[0]?.id ?? ''
  const details = JSON.parse(
    (await run(process.execPath, [LAUNCHER, 'show', id, '--json'], { env })).stdout,
  ) as BackupDetails
  const ids = details.parts.map(part => part.file_id).join(' ')
  await compare(
    'fetch / curl | age -d | zstd -d',
    cli('fetch', id, '--out', join(folder, 'back.sql')),
    shell(
      `for f in $IDS; do p=$(curl -fsS "$API/getFile?file_id=$f" | sed 's/.*"file_path":"\\([^"]*\\)".*/\\1/'); ` +
        `curl -fsS "$FILE_API/$p" | age -d -i "$BACKUP_AGE_IDENTITY_FILE" || exit 1; done | zstd -d > "$OUT"`,
      { IDS: ids, OUT: join(folder, 'back-by-hand.sql') },
    ),
  )
  await compare('list / node -e 0', cli('list'), { command: process.execPath, args: ['-e', '0'], env })

  const random = join(folder, 'random.bin')
  await writeFile(random, randomBytes(100 * MEBIBYTE))
  const sent = JSON.parse(
    (
      await run(
        process.execPath,
        [LAUNCHER, 'send', '--project', 'fill', '--type', 'storage', '--file', random, '--json'],
        { env },
      )
    ).stdout,
  ) as { telegramMetadata: { parts: Array<{ size: number }> } }
  const full = sent.telegramMetadata.parts.slice(0, -1)
  const fill = full.reduce((sum, part) => sum + part.size, 0) / (full.length * (20 * MEBIBYTE - 64 * 1024))
  process.stdout.write(`parts of incompressible data are filled to ${(fill * 100).toFixed(1)} %\n`)
  process.stdout.write(
    `the archive of the source is ${((await stat(source)).size / (details.archive_size ?? 1)).toFixed(2)} times smaller\n`,
  )
} finally {
  await emulator.close()
  await rm(folder, { recursive: true, force: true })
}
