// Compares writeArchive with `zstd -3 | age | split` on the same file, in pairs, and prints the ratio of the
// medians. Usage: node archive/bench/write-archive.ts [megabytes] [pairs]; needs the programs zstd and age.
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_PART_SIZE_BYTES, generateIdentity, writeArchive } from '@telegram-backup/archive'
import { INPUTS, writeInput } from '#bench/inputs.ts'
import { describePairs, runPairs } from '#bench/pairs.ts'

/** The archive's side of a pair: one part is written while the next is made, as a sender does. */
async function archiveOnce(input: string, recipient: string, folder: string): Promise<void> {
  const fd = openSync(input, 'r')
  const backup = { id: crypto.randomUUID(), project: 'bench', type: 'database', filename: 'dump.sql' }
  let written: Promise<void> = Promise.resolve()
  for await (const part of writeArchive({ fd }, { backup, encryption: { recipients: [recipient] } })) {
    await written
    written = writeFile(join(folder, `part.${part.number}.age`), part.bytes).then(() => part.release())
  }
  await written
  closeSync(fd)
  console.log(process.resourceUsage().maxRSS)
}

async function compare(megabytes: number, pairs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'archive-bench-'))
  const { recipient } = await generateIdentity()
  const input = join(folder, 'input')
  const parts = join(folder, 'parts')
  const emptyFolder = (): void => {
    rmSync(parts, { recursive: true, force: true })
    mkdirSync(parts)
  }
  try {
    for (const [name, make] of Object.entries(INPUTS)) {
      writeInput(input, megabytes, make)
      const line = `set -o pipefail; zstd -q -3 -c ${input} | age -r ${recipient} | split -b ${DEFAULT_PART_SIZE_BYTES} - ${parts}/part.`
      const runs = runPairs(
        {
          shell: ['bash', '-c', line],
          archive: [process.execPath, import.meta.filename, '--once', input, recipient, parts],
        },
        { pairs, before: emptyFolder },
      )
      console.log(`write: ${describePairs(name, megabytes, runs)}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const [mode, input, recipient, folder] = process.argv.slice(2)
if (mode === '--once' && input && recipient && folder) await archiveOnce(input, recipient, folder)
else await compare(Number(process.argv[2] ?? 400), Number(process.argv[3] ?? 5))
