import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BenchRun } from '#bench/bench-run.ts'
import type { Comparison } from '#bench/measure.ts'

const REPORT = join(import.meta.dirname, '..', '..', 'docs', 'performance.md')

/** What is measured by itself, each with a section of its own on the page. */
export const PARTS = ['backups', 'doors'] as const
export type Part = (typeof PARTS)[number]

const INTRODUCTION = [
  '# Performance',
  '',
  '`npm run bench` writes this page; `npm run bench -- --part doors` writes the section of doors alone. Each section says on which machine',
  'and on which day it was measured. Both sides of a pair run one after the other on the same machine, with the same server, the same',
  'database and the local Bot API emulator, which uses the same processors and writes each document to the same disk. What was written',
  'before a run is on the disk when it starts (`sync`), so no side writes for the other. The first pair does not count. The ratio is the',
  'median of the pairs, with the smallest and the largest in brackets; below 1, this program is faster. Nothing here crosses a network: with',
  'a real uplink, the speed of the uplink decides.',
  'The program is the packed one, as it is installed (`npm run pack`); from the sources of the repository each command starts some 0.15 s',
  'later.',
]

const HEADINGS: Readonly<Record<Part, string>> = { backups: '## Backups', doors: '## Doors' }

const MEANINGS: Readonly<Record<Part, readonly string[]>> = {
  backups: [
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
  ],
  doors: [
    '- **restic backup, restic restore:** the same restic with the same files, which are random bytes. Each backup goes into a new',
    '  repository, each restore into a new folder, and nothing is deleted between the runs: the file system would give the room back',
    '  to the disk during the next run. Both servers have the bytes on the disk before they answer. `serve` reads a restore from',
    '  the chat, not from its cache: its cache is emptied before each one.',
    '- **processor time of the servers:** of `serve` and of rest-server. The encryption, the compression and the checks of what is in the',
    '  chat are in that of `serve`. Those of PostgreSQL and of the emulator are in neither.',
    '- **at the pace of a channel:** 20 messages a minute. The pace lets the first 20 messages go at once, and each further 20 a minute',
    '  later: no backup can be faster. While messages wait, `serve` makes the next ones.',
    '- **100,000 objects** of 64 bytes are stored through the door, 160 at a time. The catalog is what PostgreSQL has on the disk, without',
    '  its log, beyond what it had before.',
    '- **one large object** is stored through the interface of the object store, by a process of its own, from the sources: the door of',
    '  restic takes files of up to 512 MiB. The ranges have 1 MiB each, and none was in the cache.',
  ],
}

/** All that the bench found about a part. */
export interface Findings {
  run: BenchRun
  /** What both sides worked on, a sentence each. */
  material: readonly string[]
}

/** Writes the part's section of docs/performance.md; every number in it comes from this run. */
export async function writePart(part: Part, findings: Findings): Promise<void> {
  const section = await sectionOf(part, findings)
  const page = await readFile(REPORT, 'utf8')
  await writeFile(REPORT, pageWith(page, { part, section }))
  // As the rest of the repository.
  await promisify(execFile)('biome', ['format', '--write', REPORT])
}

/** The page with a new section of a part; those of the others stay as they are. */
export function pageWith(page: string, { part, section }: { part: Part; section: string }): string {
  const earlier = page.split(/^(?=## )/m)
  const sections = PARTS.map(one =>
    one === part ? section : earlier.find(text => text.startsWith(`${HEADINGS[one]}\n`)),
  )
  const kept = sections.filter(text => text !== undefined).map(text => text.trimEnd())
  return `${[INTRODUCTION.join('\n'), ...kept].join('\n\n')}\n`
}

async function sectionOf(part: Part, { run, material }: Findings): Promise<string> {
  const { pairs, comparisons, figures } = run
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(
    await readFile('/etc/os-release', 'utf8').catch(() => ''),
  )?.[1]
  return [
    HEADINGS[part],
    '',
    `Machine: ${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${system ?? 'Linux'} (kernel ${release()}), Node ${process.versions.node}; ${pairs} pairs, ${new Date().toISOString().slice(0, 10)}.`,
    '',
    ...material.map(sentence => `- ${sentence}`),
    '',
    '| ours / theirs | ours | theirs | ratio | our peak memory | processor time of the servers |',
    '| --- | --- | --- | --- | --- | --- |',
    ...comparisons.map(rowOf),
    '',
    '| what is to be reached | this run | target | reached |',
    '| --- | --- | --- | --- |',
    ...figures.map(
      ({ what, value, target, reached }) =>
        `| ${cell(what)} | ${value} | ${target} | ${reached ? 'yes' : 'no'} |`,
    ),
    '',
    '### What each measure means',
    '',
    ...MEANINGS[part],
  ].join('\n')
}

function rowOf({ what, ratio, serverSeconds, ...of }: Comparison): string {
  const cells = [
    cell(what),
    `${of.oursSeconds.toFixed(2)} s`,
    `${of.theirsSeconds.toFixed(2)} s`,
    `${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)})`,
    `${of.peakMebibytes.toFixed(0)} MiB`,
    serverSeconds ? `${serverSeconds.ours.toFixed(1)} s / ${serverSeconds.theirs.toFixed(1)} s` : '–',
  ]
  return `| ${cells.join(' | ')} |`
}

/** A pipe would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
