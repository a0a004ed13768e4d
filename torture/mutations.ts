// Shows that the torture would notice: each mutation breaks the protocol in a copy of the program, and some
// seed must fail there that does not fail on the program as it is. --only TEXT, --rounds N for each, --jobs
// N, --report.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dyingWithUs } from '#torture/dying-with-us.ts'
import { apply, type Mutation } from '#torture/mutations/mutation.ts'
import { MUTATIONS } from '#torture/mutations/table.ts'
import { copyTree } from '#torture/mutations/tree-copy.ts'
import { replaceBetween } from '#torture/report/page.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '480' },
    jobs: { type: 'string', default: '2' },
    report: { type: 'boolean', default: false },
  },
})

interface Finding {
  readonly mutation: Mutation
  readonly seed: string | undefined
  readonly words: string
}

/** Runs the torture on a copy of the program; gives its output and whether something failed. */
async function torture(
  root: string | undefined,
  args: readonly string[],
): Promise<{ failed: boolean; output: string }> {
  const harness = join(import.meta.dirname, 'torture.ts')
  const child = spawn(...dyingWithUs(process.execPath, [harness, ...args]), {
    env: { ...process.env, ...(root === undefined ? {} : { TORTURE_PROGRAM: root }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const chunk of child.stdout.setEncoding('utf8') as AsyncIterable<string>) output += chunk
  const code = child.exitCode ?? (await new Promise<number | null>(resolve => child.once('exit', resolve)))
  return { failed: code !== 0, output }
}

async function tryMutation(mutation: Mutation, root: string): Promise<Finding> {
  await copyTree(root)
  await apply(mutation, root)
  const scope = mutation.only === undefined ? [] : ['--only', mutation.only]
  if (mutation.together !== undefined) scope.push('--together', String(mutation.together))
  const { failed, output } = await torture(root, [
    '--rounds',
    values.rounds,
    '--jobs',
    values.jobs,
    '--stop-at-first',
    ...scope,
  ])
  const seed = /^FAILED seed (\S+),/m.exec(output)?.[1]
  const words = /^FAILED .*\n {2}(.*)$/m.exec(output)?.[1] ?? output.slice(-300)
  if (!failed || seed === undefined) return { mutation, seed: undefined, words: 'nothing failed' }
  const control = await torture(undefined, ['--seed', seed, ...scope])
  if (control.failed) return { mutation, seed: undefined, words: `seed ${seed} fails without it, too` }
  return { mutation, seed, words: words.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…').slice(0, 140) }
}

const folder = await mkdtemp(join(tmpdir(), 'torture-mutations-'))
const findings: Finding[] = []
try {
  for (const mutation of MUTATIONS.filter(({ name }) => name.includes(values.only))) {
    const finding = await tryMutation(mutation, join(folder, 'program'))
    findings.push(finding)
    const verdict = finding.seed === undefined ? 'MISSED' : `caught by seed ${finding.seed}`
    process.stdout.write(`${verdict}: ${mutation.name} (${finding.words})\n`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
const caught = findings.filter(({ seed }) => seed !== undefined).length
process.stdout.write(`${caught} of ${findings.length} mutations caught\n`)
if (values.report) {
  const rows = findings.map(
    ({ mutation, seed, words }) =>
      `| ${mutation.name} | ${mutation.wrong} | ${seed ?? 'not caught'} | ${words.replaceAll('|', '\\|')} |`,
  )
  const head = ['| mutation | what it breaks | seed | what was found |', '| --- | --- | --- | --- |']
  await replaceBetween('mutations', [...head, ...rows].join('\n'))
}
process.exitCode = caught === findings.length ? 0 : 1
