import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tablesOf } from '#torture/report/tables.ts'
import type { Counts } from '#torture/report/tally.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'reliability.md')

/** What a whole run of the harness has to say. */
export interface Outcome {
  readonly counts: Counts
  readonly rounds: number
  readonly minutes: number
  readonly failures: readonly string[]
  readonly isSystematic: boolean
}

/** Replaces the part of docs/reliability.md between the marks of this kind of run. */
export async function writeReport({
  counts,
  rounds,
  minutes,
  failures,
  isSystematic,
}: Outcome): Promise<void> {
  const failed = failures.length === 0 ? 'none failed' : `${failures.length} failed: ${failures.join('; ')}`
  const text = `${rounds} rounds in ${minutes.toFixed(0)} minutes; ${failed}.\n\n${tablesOf(counts)}`
  await replaceBetween(isSystematic ? 'every-step' : 'rounds', text)
}

/** Puts text between `<!-- NAME -->` and `<!-- /NAME -->` of the page. */
export async function replaceBetween(name: string, text: string): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [start, stop] = [page.indexOf(begin), page.indexOf(end)]
  if (start < 0 || stop < start) throw new Error(`docs/reliability.md has no place for "${name}"`)
  await writeFile(PAGE, `${page.slice(0, start + begin.length)}\n\n${text}\n\n${page.slice(stop)}`)
}
