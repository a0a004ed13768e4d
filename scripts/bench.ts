// Speed and memory against what a person would type in a shell, and restic through a door against restic
// through its own server. `--part backups` or `--part doors` measures one of the two alone. Each part writes
// its own section of docs/performance.md and leaves the other one as it is. `--pairs N` (5), `--size MIB` of
// the dump (950), `--tree MIB` of what restic backs up (1024) and `--object MIB` of the large object (1024)
// change the effort. `--only TEXT` runs the measurements whose name holds it, and writes nothing.
import { parseArgs } from 'node:util'
import { backupCosts } from '#bench/backups.ts'
import { BenchRun } from '#bench/bench-run.ts'
import { doorCosts } from '#bench/doors.ts'
import { PARTS, type Part, writePart } from '#bench/report.ts'
import { openVault } from '#bench/vault.ts'

const { values } = parseArgs({
  options: {
    part: { type: 'string' },
    pairs: { type: 'string', default: '5' },
    size: { type: 'string', default: '950' },
    tree: { type: 'string', default: '1024' },
    object: { type: 'string', default: '1024' },
    only: { type: 'string', default: '' },
  },
})
if (values.part !== undefined && !PARTS.some(part => part === values.part)) {
  throw new Error(`--part is one of ${PARTS.join(', ')}`)
}

for (const part of PARTS.filter(one => values.part === undefined || values.part === one)) {
  const run = new BenchRun({ pairs: Number(values.pairs), only: values.only })
  const material = await costsOf(part, run)
  if (values.only === '') await writePart(part, { run, material })
}

/** Measures a part; gives what both sides worked on, a sentence each. */
async function costsOf(part: Part, run: BenchRun): Promise<string[]> {
  // A vault of its own for each part: a full chat is no part of what is measured.
  const vault = await openVault()
  try {
    if (part === 'backups') return await backupCosts(vault, run, { mebibytes: Number(values.size) })
    const sizes = { treeMebibytes: Number(values.tree), objectMebibytes: Number(values.object) }
    return await doorCosts(vault, run, sizes)
  } finally {
    await vault.close()
  }
}
