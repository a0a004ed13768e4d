import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Comparison } from '#bench/measure.ts'

const REPORT = join(import.meta.dirname, '..', '..', 'docs', 'performance.md')

const BOUNDS = [
  '## What each measure means',
  '',
  '- **send** dumps, compresses, encrypts and uploads. The server that dumps and zstd keep both processors busy. With',
  '  slower requests the uploads overlap, and what is left are four requests at the end, one after the other: the last',
  '  part, the manifest, the check that the chat is still ours, and the index. The manifest names the message of every',
  '  part, and the index that of the manifest. The check comes right before the index is written: a check that ran beside',
  '  the manifest would miss a chat that was taken over meanwhile.',
  '- **fetch** downloads and decrypts in one thread, decompresses in a second one, hashes and writes in a third one; they',
  '  share the processors with the emulator. [format.md](format.md) says what each check proves.',
  '- **restore** waits for the server that loads.',
  '- **a directory of small files:** tar also reads the ACLs and attributes of each file and writes a list of the files,',
  '  and a restore reads the header of each member before tar does. Both sides of a restore write into a new folder, and nothing is',
  '  deleted between the runs: where many files were deleted in the last minutes, ext4 takes up to a minute to create',
  '  as many, for plain `tar -x` too.',
  '- **a sparse file** is sent without reading its holes, and `fetch --out` makes holes again. The bytes of the holes are',
  '  hashed twice all the same, as the format asks.',
  '- **list** starts the embedded PostgreSQL, asks it, and stops it. With a service beside it, or with `DATABASE_URL`, the',
  '  server is there already.',
]

/** One line of the report: what was to be reached, and whether it was. */
export interface Figure {
  what: string
  value: string
  target: string
  reached: boolean
}

/** All that a run of the bench found. */
export interface Findings {
  /** What both sides worked on, a sentence each. */
  material: readonly string[]
  pairs: number
  comparisons: readonly Comparison[]
  figures: readonly Figure[]
}

/** A pipe would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** A ratio that is to be at most so much. */
export function ratioFigure(comparison: Comparison, target: number): Figure {
  const { median, least, most } = comparison.ratio
  return {
    what: comparison.what,
    value: `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`,
    target: `at most ${target.toFixed(2)}`,
    reached: median <= target,
  }
}

/** Writes docs/performance.md anew; every number in it comes from this run. */
export async function writeReport(findings: Findings): Promise<void> {
  const { pairs, material, comparisons, figures } = findings
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(
    await readFile('/etc/os-release', 'utf8').catch(() => ''),
  )?.[1]
  const lines = [
    '# Performance',
    '',
    '`npm run bench` writes this page. Both sides of a pair run one after the other on the same machine, with the same server, the same',
    'database and the local Bot API emulator, which uses the same processors. The first pair does not count. The ratio is the median of the',
    'pairs, with the smallest and the largest in brackets; below 1, this program is faster. Nothing here crosses a network: with a real',
    'uplink, the speed of the uplink decides.',
    'The program is the packed one, as it is installed (`npm run pack`); from the sources of the repository each command',
    'starts some 0.15 s later.',
    '',
    `Machine: ${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${system ?? 'Linux'} (kernel ${release()}), Node ${process.versions.node}; ${pairs} pairs, ${new Date().toISOString().slice(0, 10)}.`,
    '',
    ...material.map(sentence => `- ${sentence}`),
    '',
    '| ours / the shell line                              | ours    | theirs  | ratio            | our peak memory |',
    '| -------------------------------------------------- | ------- | ------- | ---------------- | --------------- |',
    ...comparisons.map(
      ({ what, oursSeconds, theirsSeconds, ratio, peakMebibytes }) =>
        `| ${cell(what)} | ${oursSeconds.toFixed(2)} s | ${theirsSeconds.toFixed(2)} s | ${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)}) | ${peakMebibytes.toFixed(0)} MiB |`,
    ),
    '',
    '| what is to be reached | this run | target | reached |',
    '| --- | --- | --- | --- |',
    ...figures.map(
      ({ what, value, target, reached }) =>
        `| ${cell(what)} | ${value} | ${target} | ${reached ? 'yes' : 'no'} |`,
    ),
    '',
    ...BOUNDS,
    '',
  ]
  await writeFile(REPORT, lines.join('\n'))
  // As the rest of the repository.
  await promisify(execFile)('biome', ['format', '--write', REPORT])
}
