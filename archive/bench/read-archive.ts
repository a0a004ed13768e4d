// Compares readArchiveInto with `age -d | zstd -d` on the same parts, in pairs, and prints the ratio of the
// medians. Usage: node archive/bench/read-archive.ts [megabytes] [pairs]; needs the programs zstd and age.
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ExpectedPart,
  generateIdentity,
  type ReceivedPart,
  readArchiveInto,
  readIdentityFile,
  writeArchive,
} from '@telegram-backup/archive'
import { INPUTS, writeInput } from '#bench/inputs.ts'
import { describePairs, runPairs } from '#bench/pairs.ts'

interface Sample {
  backupId: string
  parts: (ExpectedPart & { path: string })[]
}

/** Writes the parts of a sample, and beside them what its manifest would say. */
async function writeSample(input: string, recipient: string, folder: string): Promise<void> {
  const fd = openSync(input, 'r')
  const backup = { id: crypto.randomUUID(), project: 'bench', type: 'database', filename: 'dump.sql' }
  const sample: Sample = { backupId: backup.id, parts: [] }
  for await (const part of writeArchive({ fd }, { backup, encryption: { recipients: [recipient] } })) {
    const path = join(folder, `part.${String(part.number).padStart(5, '0')}.age`)
    await writeFile(path, part.bytes)
    sample.parts.push({ number: part.number, size: part.bytes.length, sha256: part.sha256, path })
    part.release()
  }
  closeSync(fd)
  writeFileSync(join(folder, 'sample.json'), JSON.stringify(sample))
}

/** The parts as a fetcher gives them: one is read and hashed while another is unpacked. */
async function* fetched(parts: Sample['parts']): AsyncGenerator<ReceivedPart> {
  const fetch = async ({ number, path }: Sample['parts'][number]): Promise<ReceivedPart> => {
    const bytes = await readFile(path)
    return { number, bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
  }
  let next = parts[0] && fetch(parts[0])
  for (const following of [...parts.slice(1), undefined]) {
    const part = await next
    next = following && fetch(following)
    if (part) yield part
  }
}

/** The archive's side of a pair. */
async function archiveOnce(folder: string, output: string): Promise<void> {
  const { backupId, parts }: Sample = JSON.parse(await readFile(join(folder, 'sample.json'), 'utf8'))
  const identities = await readIdentityFile(join(folder, 'key.txt'))
  const fd = openSync(output, 'w')
  await readArchiveInto(fd, fetched(parts), { backupId, identities, encrypted: true, expectedParts: parts })
  closeSync(fd)
  console.log(process.resourceUsage().maxRSS)
}

async function compare(megabytes: number, pairs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'archive-bench-'))
  const { recipient, identity } = await generateIdentity()
  const output = join(folder, 'output')
  writeFileSync(join(folder, 'key.txt'), `${identity}\n`, { mode: 0o600 })
  try {
    for (const [name, make] of Object.entries(INPUTS)) {
      for (const old of readdirSync(folder)) if (old.startsWith('part.')) rmSync(join(folder, old))
      writeInput(output, megabytes, make)
      await writeSample(output, recipient, folder)
      const line = `set -o pipefail; for p in ${folder}/part.*.age; do age -d -i ${folder}/key.txt $p || exit 1; done | zstd -q -d > ${output}`
      const runs = runPairs(
        {
          shell: ['bash', '-c', line],
          archive: [process.execPath, import.meta.filename, '--once', folder, output],
        },
        { pairs, before: () => rmSync(output, { force: true }) },
      )
      console.log(`read: ${describePairs(name, megabytes, runs)}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const [mode, folder, output] = process.argv.slice(2)
if (mode === '--once' && folder && output) await archiveOnce(folder, output)
else await compare(Number(process.argv[2] ?? 400), Number(process.argv[3] ?? 5))
