import { type Chance, chanceOf } from '#torture/chance.ts'
import { playDoorStep } from '#torture/objects/door-step.ts'
import { calmAndJudge } from '#torture/play/calm.ts'
import { prepare } from '#torture/play/ground.ts'
import { type KillPlan, wordsOf } from '#torture/play/kill-plan.ts'
import { isOfOldMachine, touched, whatIsInTheChats } from '#torture/play/old-machine.ts'
import type { CommandName, OperationName } from '#torture/play/operations.ts'
import { carryOut } from '#torture/play/run.ts'
import type { Tally } from '#torture/report/tally.ts'
import { type CatalogServer, startCatalogServer } from '#torture/world/catalog-server.ts'
import { openWorld, type World } from '#torture/world/world.ts'

interface EveryStepOptions {
  readonly operations: readonly OperationName[]
  /** Only these numbers of each way; all by default. */
  readonly from: number
  readonly to: number
  /** How many steps at a time. */
  readonly jobs: number
  readonly tally: Tally
  readonly fail: (name: string, violations: readonly string[], replay: string) => void
  readonly tell: (words: string) => void
}

/**
 * After so many steps the world is made anew: looking at all that is there takes longer the more there is.
 */
const STEPS_PER_WORLD = 15

/**
 * Kills each operation once at each of its Bot API calls and statements that change something: before, while
 * and after. Gives how many.
 */
export async function tryEveryStep(options: EveryStepOptions): Promise<number> {
  const server = await startCatalogServer()
  let played = 0
  try {
    for (const operation of options.operations) {
      // Its steps come in another order each time.
      if (operation === 'serve') continue
      const ladders = WAYS.map(way => ladderOf(way, options))
      const climb = async (): Promise<void> => {
        const climbed = await climbAll(operation, ladders, { ...options, server })
        played += climbed
      }
      await Promise.all(Array.from({ length: options.jobs }, climb))
    }
  } finally {
    await server.stop()
  }
  return played
}

type Way = Pick<Extract<KillPlan, { kind: 'kill' }>, 'channel' | 'phase' | 'delivered'>

// The calls first, which are fewer. A statement that was on its way when the client died is one that was done
// and not heard of.
const WAYS: readonly Way[] = [
  { channel: 'api', phase: 'before', delivered: false },
  { channel: 'api', phase: 'before', delivered: true },
  { channel: 'api', phase: 'after', delivered: false },
  { channel: 'sql', phase: 'after', delivered: false },
  { channel: 'sql', phase: 'before', delivered: false },
]

/** Runs are of several lengths; after so many in a row that were over before, the ladder is at its end. */
const MISSES = 3

/** The kills of one way, in order, up to those that no run reaches any more. */
interface Ladder {
  next(): KillPlan | undefined
  /** Tells whether the step was met. */
  tried(met: boolean): void
}

function ladderOf(way: Way, { from, to }: Pick<EveryStepOptions, 'from' | 'to'>): Ladder {
  let [number, misses] = [from - 1, 0]
  return {
    next: () => (misses >= MISSES || number >= to ? undefined : { kind: 'kill', ...way, number: ++number }),
    tried: met => {
      misses = met ? 0 : misses + 1
    },
  }
}

async function climbAll(
  operation: CommandName | 'door',
  ladders: readonly Ladder[],
  options: EveryStepOptions & { server: CatalogServer },
): Promise<number> {
  const { server, tally, fail, tell } = options
  let played = 0
  let world: World | undefined
  for (const ladder of ladders) {
    for (let kill = ladder.next(); kill; kill = ladder.next()) {
      // By the step's own name, so that it is the same alone.
      const name = `${operation}, ${wordsOf(kill)} ${kill.kind === 'kill' ? kill.number : ''}`
      const chance = chanceOf(name)
      world ??= await openWorld(chance, { server, plain: true })
      const violations = await playStep(operation, { world, server, chance, kill, tally, tell, name, ladder })
      played++
      if (violations.length > 0) fail(name, violations, replayOf(operation, kill))
      if (violations.length === 0 && played % STEPS_PER_WORLD !== 0) continue
      await world.close()
      world = undefined
    }
  }
  await world?.close()
  return played
}

function replayOf(operation: string, kill: KillPlan): string {
  const steps = kill.kind === 'kill' ? ` --steps ${kill.number}` : ''
  return `npm run torture -- --every-step --only ${JSON.stringify(operation)}${steps} --verbose`
}

async function playStep(
  operation: CommandName | 'door',
  step: Pick<EveryStepOptions, 'tally' | 'tell'> & {
    world: World
    server: CatalogServer
    chance: Chance
    kill: KillPlan
    name: string
    ladder: Ladder
  },
): Promise<string[]> {
  const { world, kill, tally, tell, name, ladder } = step
  if (operation === 'door') {
    const { first, runs, violations } = await playDoorStep(step)
    ladder.tried(first.met)
    tally.run({ operation, kill, met: first.met, isOneOfTwo: false })
    violations.push(...(await calmAndJudge(world, runs, tell)))
    tell(`${name}: ${first.hit?.what ?? 'over before'}`)
    return violations
  }
  const order = await prepare(operation, step)
  const before = isOfOldMachine(order) ? await whatIsInTheChats(world) : undefined
  const run = await carryOut(order, step)
  ladder.tried(run.met)
  tally.run({ operation, kill, met: run.met, isOneOfTwo: false })
  const violations = before === undefined ? [] : touched(before, await whatIsInTheChats(world))
  violations.push(...(await calmAndJudge(world, [run], tell)))
  tell(`${name}: ${run.hit?.what ?? 'over before'}`)
  return violations
}
