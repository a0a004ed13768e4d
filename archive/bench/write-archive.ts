// Compares writeArchive with `zstd -3 | age | split` on the same file, in pairs, and prints the ratio of the medians.
// Usage: node archive/bench/write-archive.ts [megabytes] [pairs]; needs the programs zstd and age.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_PART_SIZE_BYTES, generateIdentity, writeArchive } from '@telegram-backup/archive'

const MEGABYTE = 1_000_000

/** Rows as pg_dump writes them: numbers, words, dates, and as much randomness as hashes and ids bring along. */
function dumpLikeText(sizeBytes: number): Buffer {
  const words = [
    'invoice',
    'paid',
    'open',
    'Berlin',
    'customer',
    'shipping',
    'return',
    'note',
    'draft',
    'café',
  ]
  const rows: string[] = []
  for (let size = 0, id = 1; size < sizeBytes; id++) {
    const text = Array.from(
      { length: 6 },
      (_, i) => words[(id * 7 + i * 13 + (id >> 3)) % words.length],
    ).join(' ')
    const row = `${id}\t${(id * 7919) % 100003}\t2026-11-24 05:33:${String(id % 60).padStart(2, '0')}+00\t${text}\t${randomBytes(12).toString('hex')}\tt\n`
    rows.push(row)
    size += row.length
  }
  return Buffer.from(rows.join('')).subarray(0, sizeBytes)
}

function writeInput(path: string, megabytes: number, make: (sizeBytes: number) => Buffer): void {
  const fd = openSync(path, 'w')
  for (let written = 0; written < megabytes; written += 10) writeSync(fd, make(10 * MEGABYTE))
  closeSync(fd)
}

/** The archive's side of a pair, in a process of its own, as the shell's is. */
async function archiveOnce(input: string, recipient: string, folder: string): Promise<void> {
  const fd = openSync(input, 'r')
  const backup = { id: crypto.randomUUID(), project: 'bench', type: 'database', filename: 'dump.sql' }
  // One part is written while the next is made, as a sender does; the shell's processes overlap, too.
  let written: Promise<void> = Promise.resolve()
  for await (const part of writeArchive({ fd }, { backup, encryption: { recipients: [recipient] } })) {
    await written
    written = writeFile(join(folder, `part.${part.number}.age`), part.bytes)
  }
  await written
  closeSync(fd)
  console.log(process.resourceUsage().maxRSS)
}

interface Run {
  seconds: number
  peakMegabytes: number
}

function timed(folder: string, command: string, args: string[]): Run {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const start = performance.now()
  const child = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const seconds = (performance.now() - start) / 1000
  if (child.status !== 0) throw new Error(`${command} ended with ${child.status}`)
  return { seconds, peakMegabytes: Math.round((Number(child.stdout) * 1024) / MEGABYTE) }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

async function compare(megabytes: number, pairs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'archive-bench-'))
  const { recipient } = await generateIdentity()
  try {
    const inputs = { 'dump-like text': dumpLikeText, 'random bytes': randomBytes }
    for (const [name, make] of Object.entries(inputs)) {
      const input = join(folder, 'input')
      const parts = join(folder, 'parts')
      writeInput(input, megabytes, make)
      const shellLine = `set -o pipefail; zstd -q -3 -c ${input} | age -r ${recipient} | split -b ${DEFAULT_PART_SIZE_BYTES} - ${parts}/part.`
      const shell: Run[] = []
      const archive: Run[] = []
      for (let pair = 0; pair < pairs; pair++) {
        shell.push(timed(parts, 'bash', ['-c', shellLine]))
        archive.push(
          timed(parts, process.execPath, [import.meta.filename, '--once', input, recipient, parts]),
        )
      }
      const shellSeconds = median(shell.map(run => run.seconds))
      const archiveSeconds = median(archive.map(run => run.seconds))
      const peak = Math.max(...archive.map(run => run.peakMegabytes))
      console.log(
        `${name}, ${megabytes} MB, ${pairs} pairs: shell ${shellSeconds.toFixed(2)} s, archive ${archiveSeconds.toFixed(2)} s,` +
          ` ratio ${(archiveSeconds / shellSeconds).toFixed(2)}, peak memory ${peak} MB`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const [mode, input, recipient, folder] = process.argv.slice(2)
if (mode === '--once' && input && recipient && folder) await archiveOnce(input, recipient, folder)
else await compare(Number(process.argv[2] ?? 400), Number(process.argv[3] ?? 5))
