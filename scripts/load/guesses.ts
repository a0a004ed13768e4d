// A good key beside so many connections that guess, against a real `serve`: what that takes of the good key's
// time, and what of the log. `--guessers N` (100), `--seconds N` (20) each. Exit code 1 when the median is
// more than twice the quiet one.
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type Access, agentFor, call, Tally } from '#load/clients.ts'
import { openService } from '#load/service.ts'

const { values } = parseArgs({
  options: {
    guessers: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '20' },
  },
})
const [guessers, seconds] = [Number(values.guessers), Number(values.seconds)]
const PORT = 18_081
/** From which on the limit of the address is passed, and the first guesses are looked up no more. */
const WARM_UP_MS = 3_000

const service = await openService(PORT, 200)
try {
  const { serve, key } = service
  const good: Access = { url: serve.url, key, agent: agentFor(1) }
  const read = async (tally: Tally, until: number): Promise<void> => {
    while (performance.now() < until) {
      const started = performance.now()
      const { status } = await call(good, '/backups?limit=20')
      tally.count(status, 200, (performance.now() - started) / 1000)
    }
  }
  await read(new Tally(), performance.now() + WARM_UP_MS)
  const [quiet, beside, refused] = [new Tally(), new Tally(), new Tally()]
  await read(quiet, performance.now() + seconds * 1000)

  const agent = agentFor(guessers)
  const until = performance.now() + WARM_UP_MS + seconds * 1000
  const guessOn = async (): Promise<void> => {
    while (performance.now() < until) {
      const started = performance.now()
      const guess = { ...good, agent, key: `tbk_${randomBytes(32).toString('base64url')}` }
      const { status } = await call(guess, '/backups?limit=20')
      refused.count(status, 429, (performance.now() - started) / 1000)
    }
  }
  const guessing = Array.from({ length: guessers }, guessOn)
  await read(new Tally(), performance.now() + WARM_UP_MS)
  await read(beside, until)
  await Promise.all(guessing)

  const told = (what: string, tally: Tally): void =>
    void process.stdout.write(
      `${what}: ${tally.seconds.length} answers, p50 ${tally.percentile(0.5).toFixed(2)} ms, p95 ${tally.percentile(0.95).toFixed(2)} ms, others ${JSON.stringify(Object.fromEntries(tally.errors))}\n`,
    )
  told('a good key, alone', quiet)
  told(`a good key, beside ${guessers} connections of guesses`, beside)
  told('guesses refused (429)', refused)
  const factor = beside.percentile(0.5) / quiet.percentile(0.5)
  process.stdout.write(`${factor.toFixed(2)} times the quiet median\n`)
  if (!(factor <= 2)) process.exitCode = 1
} finally {
  await service.close()
}
