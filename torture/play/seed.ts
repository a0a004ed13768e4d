import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Chance, chanceOf } from '#torture/chance.ts'
import { command, judgeAfterAWhile, lastWords } from '#torture/play/calm.ts'
import type { OperationName } from '#torture/play/operations.ts'
import { playRound } from '#torture/play/round.ts'
import type { Tally } from '#torture/report/tally.ts'
import type { CatalogServer } from '#torture/world/catalog-server.ts'
import { type ForeignServer, openWorld, type World } from '#torture/world/world.ts'

/** How often each operation is chosen. */
const WEIGHTS: Readonly<Record<OperationName, number>> = {
  'send a file': 6,
  'send standard input': 2,
  'send --resume': 3,
  erase: 3,
  'erase after 48 hours': 1,
  reconcile: 2,
  expire: 1.5,
  recover: 1.5,
  'recover by another bot': 0.5,
  'an old machine wakes up': 1,
  serve: 2.5,
  door: 3,
}

const NEEDS_EMULATOR = /recover|48 hours|old machine/

/** What a seed has to do with. */
export interface SeedOptions {
  readonly server: CatalogServer
  readonly foreign?: ForeignServer | undefined
  readonly tally: Tally
  readonly operations: readonly OperationName[]
  readonly rounds: number
  /** How probable two commands at once are, 0 to 1. */
  readonly together: number
  /** How probable it is that the world has a second chat for copies, 0 to 1. */
  readonly twoChats: number
  readonly tell: (words: string) => void
}

/** Plays the rounds of a seed on one world, up to the first that shows something wrong. */
export async function playSeed(
  seed: string,
  options: SeedOptions,
): Promise<{ rounds: number; violations: string[] }> {
  const outcome = { rounds: 0, violations: [] as string[] }
  // A look that fails shows that something is wrong, too; perhaps with the harness.
  const stumble = (error: unknown): void => {
    outcome.violations.push(`the harness stumbled: ${(error as Error).stack}`)
  }
  try {
    const chance = chanceOf(seed)
    const world = await openWorld(chance.branch('world'), options)
    await playRounds(outcome, { ...options, chance, world })
      .catch(stumble)
      .finally(() => world.close())
  } catch (error) {
    stumble(error)
  }
  return outcome
}

async function playRounds(
  outcome: { rounds: number; violations: string[] },
  options: SeedOptions & { chance: Chance; world: World },
): Promise<void> {
  const { world, chance, tell } = options
  const operations = options.operations
    // A chat that is not the harness's cannot be taken over again and again, nor can time pass in it.
    .filter(name => !options.foreign || !NEEDS_EMULATOR.test(name))
    .map(name => [name, WEIGHTS[name]] as const)
  while (outcome.rounds < options.rounds) {
    const branch = chance.branch(`round ${++outcome.rounds}`)
    outcome.violations.push(...(await playRound(branch, { ...options, operations })))
    if (outcome.violations.length > 0) return
  }
  outcome.violations.push(...(await judgeAfterAWhile(world, tell)), ...(await fetchOne(world, chance)))
}

/** One complete backup by the program's own fetch; what all of them hold, the judge has seen. */
async function fetchOne(world: World, chance: Chance): Promise<string[]> {
  const complete = await world.catalog.rows(
    "select id, plain_sha256 from control_plane.backups where state = 'complete' order by created_at, id",
  )
  const whole = complete.filter(({ id }) => !world.human.damaged.has(String(id)))
  if (whole.length === 0) return []
  const { id, plain_sha256: sha256 } = chance.pick(whole)
  const out = join(world.folder, 'back.bin')
  const end = await command(world, ['fetch', String(id), '--out', out, '--json'])
  if (end.code !== 0) return [`wrong: fetch of ${id} ends with ${end.code}: ${lastWords(end)}`]
  const back = createHash('sha256')
    .update(await readFile(out))
    .digest('hex')
  return back === sha256 ? [] : [`wrong: fetch of ${id} gives other bytes`]
}
