/**
 * Kills the real command line everywhere, breaks everything around it, and then looks whether anything was
 * lost.
 *
 * - `--rounds N`, `--minutes N` (begins no seed after that), `--first SEED`, `--rounds-per-seed N`, `--jobs
 *   N`
 * - `--seed S` replays that seed; `--stop-at-first`, `--verbose`, `--report`
 * - `--only TEXT[,TEXT]` takes these operations, by name or by a part of names
 * - `--every-step` kills once at each step; `--steps N` or `--steps FROM-TO` takes these numbers
 * - `--together P`: how probable two commands at once are, 0 to 1
 * - `--two-chats P`: how probable a second chat is, 0 to 1
 * - `--api-root URL --chat=ID`: another Bot API server, whose bot is `TELEGRAM_BOT_TOKEN`
 * - `TORTURE_PROGRAM=FOLDER`: another copy of the program
 */
import { parseArgs } from 'node:util'
import { tryEveryStep } from '#torture/play/every-step.ts'
import { OPERATIONS } from '#torture/play/operations.ts'
import { playSeed } from '#torture/play/seed.ts'
import { writeReport } from '#torture/report/page.ts'
import { tablesOf } from '#torture/report/tables.ts'
import { openTally } from '#torture/report/tally.ts'
import { startCatalogServer } from '#torture/world/catalog-server.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: 'Infinity' },
    'rounds-per-seed': { type: 'string', default: '8' },
    together: { type: 'string', default: '0.1' },
    'two-chats': { type: 'string', default: '0.15' },
    seed: { type: 'string' },
    first: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
    'every-step': { type: 'boolean', default: false },
    steps: { type: 'string', default: '1-Infinity' },
    report: { type: 'boolean', default: false },
    'stop-at-first': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    'api-root': { type: 'string' },
    chat: { type: 'string' },
  },
})

/** A name, or what several names have in common. */
const isMeant = (name: string, words: string): boolean =>
  OPERATIONS.some(operation => operation === words) ? name === words : name.includes(words)
const operations = OPERATIONS.filter(name => values.only.split(',').some(words => isMeant(name, words)))
if (operations.length === 0) throw new Error(`--only names none of: ${OPERATIONS.join(', ')}`)
const perSeed = Number(values['rounds-per-seed'])
const foreign = values['api-root']
  ? { apiRoot: values['api-root'], token: process.env['TELEGRAM_BOT_TOKEN'] ?? '', chatId: values.chat ?? '' }
  : undefined
// A chat that is not the harness's has one catalog, and so one world.
const rounds = foreign ? Number(values.rounds) : perSeed
const seedCount = foreign || values.seed !== undefined ? 1 : Math.ceil(Number(values.rounds) / perSeed)
const first = Number(values.first)
const seeds =
  values.seed !== undefined ? [values.seed] : Array.from({ length: seedCount }, (_, at) => String(first + at))
const tally = openTally()
const failures: string[] = []

const begunAt = Date.now()
let played = 0

const say = (words: string): void => {
  process.stdout.write(`${words}\n`)
}
const fail = (name: string, violations: readonly string[], replay: string): void => {
  failures.push(name)
  say(`FAILED ${name}; replay: ${replay}`)
  for (const violation of violations) say(`  ${violation}`)
}

async function work(): Promise<void> {
  const server = await startCatalogServer()
  try {
    for (;;) {
      if (values['stop-at-first'] && failures.length > 0) return
      if ((Date.now() - begunAt) / 60_000 > Number(values.minutes)) return
      const seed = seeds.shift()
      if (seed === undefined) return
      const outcome = await playSeed(seed, {
        server,
        foreign,
        tally,
        operations,
        rounds,
        together: Number(values.together),
        twoChats: Number(values['two-chats']),
        tell: words => values.verbose && say(`[${seed}] ${words}`),
      })
      played += outcome.rounds
      if (outcome.violations.length === 0) continue
      const only = values.only === '' ? '' : ` --only ${JSON.stringify(values.only)}`
      const together = values.together === '0.1' ? '' : ` --together ${values.together}`
      const twoChats = values['two-chats'] === '0.15' ? '' : ` --two-chats ${values['two-chats']}`
      fail(
        `seed ${seed}, round ${outcome.rounds}`,
        outcome.violations,
        `npm run torture -- --seed ${seed}${only}${together}${twoChats} --verbose`,
      )
    }
  } finally {
    await server.stop()
  }
}

if (values['every-step']) {
  const [from = 1, to = from] = values.steps.split('-').map(Number)
  played = await tryEveryStep({
    operations,
    from,
    to,
    jobs: Number(values.jobs),
    tally,
    fail,
    tell: words => values.verbose && say(words),
  })
} else {
  await Promise.all(Array.from({ length: Number(values.jobs) }, work))
}
const minutes = (Date.now() - begunAt) / 60_000
say(tablesOf(tally.counts))
say(`${played} rounds in ${minutes.toFixed(1)} minutes`)
// As every suite ends, so that CI can add them up.
say(`${played - failures.length} passed, ${failures.length} failed`)
if (values.report)
  await writeReport({
    counts: tally.counts,
    rounds: played,
    minutes,
    failures,
    isSystematic: values['every-step'],
  })
// Connections that nobody uses any more need not be waited for.
process.exit(failures.length === 0 ? 0 : 1)
