import { type Chance, chanceOf } from '#torture/chance.ts'
import { calmAndJudge } from '#torture/play/calm.ts'
import { type KillPlan, wordsOf } from '#torture/play/kill-plan.ts'
import { type OperationName, type Order, orderOf } from '#torture/play/operations.ts'
import { carryOut } from '#torture/play/run.ts'
import type { Tally } from '#torture/report/tally.ts'
import { type CatalogServer, startCatalogServer } from '#torture/world/catalog-server.ts'
import { openWorld, type World } from '#torture/world/world.ts'

interface EveryStepOptions {
  readonly operations: readonly OperationName[]
  readonly tally: Tally
  readonly fail: (name: string, violations: readonly string[], replay: string) => void
  readonly tell: (words: string) => void
}

/** After so many steps the world is made anew: looking at all that is there takes longer the more there is. */
const STEPS_PER_WORLD = 40

/** Kills each operation once at each of its Bot API calls and statements, before, while and after. Gives how many. */
export async function tryEveryStep(options: EveryStepOptions): Promise<number> {
  const server = await startCatalogServer()
  let played = 0
  try {
    for (const operation of options.operations) played += await stepThrough(operation, server, options)
  } finally {
    await server.stop()
  }
  return played
}

async function stepThrough(
  operation: OperationName,
  server: CatalogServer,
  options: EveryStepOptions,
): Promise<number> {
  const chance = chanceOf(`every step of ${operation}`)
  let played = 0
  let world: World | undefined
  const plans = steps()
  let plan = plans.next()
  while (!plan.done) {
    world ??= await openWorld(chance, { server, plain: true })
    const name = `${operation}, ${wordsOf(plan.value)} ${plan.value.kind === 'kill' ? plan.value.number : ''}`
    const order = await prepared(operation, { world, server, chance })
    const run = await carryOut(order, { world, server, kill: plan.value })
    options.tally.run({ operation, kill: plan.value, met: run.hit !== undefined, isOneOfTwo: false })
    const violations = await calmAndJudge(world, [run], options.tell)
    options.tell(`${name}: ${run.hit?.what ?? 'over before'}`)
    played++
    if (violations.length > 0) {
      options.fail(name, violations, `npm run torture -- --every-step --only ${JSON.stringify(operation)}`)
    }
    // The run was over before: there are no more steps of that kind.
    plan = plans.next(run.hit !== undefined)
    if (violations.length === 0 && played % STEPS_PER_WORLD !== 0) continue
    await world.close()
    world = undefined
  }
  await world?.close()
  return played
}

/** Every kill, in order; told after each whether it was met. */
function* steps(): Generator<KillPlan, void, boolean | undefined> {
  for (const channel of ['api', 'sql'] as const) {
    const ways = [
      { phase: 'before', delivered: false },
      { phase: 'before', delivered: true },
      { phase: 'after', delivered: false },
    ] as const
    for (const way of ways) {
      // A statement that was sent by a client that died is one that was done and not heard of.
      if (channel === 'sql' && way.delivered) continue
      for (let number = 1; ; number++) {
        const met = yield { kind: 'kill', channel, number, ...way }
        if (!met) break
      }
    }
  }
}

/** The order, and before it what it needs: a backup to erase, a dead run to settle or to resume. */
async function prepared(
  operation: OperationName,
  on: { world: World; server: CatalogServer; chance: Chance },
): Promise<Order> {
  const { world, server, chance } = on
  const send = async (kill: KillPlan): Promise<void> => {
    const order = await orderOf('send a file', world, chance)
    if (order) await (await carryOut(order, { world, server, kill })).api.close()
  }
  if (operation.startsWith('erase') || operation === 'recover') await send({ kind: 'none' })
  if (operation === 'reconcile' || operation === 'send --resume' || operation === 'recover') {
    const number = chance.whole(5, 9)
    await send({ kind: 'kill', channel: 'api', phase: 'before', number, delivered: true })
  }
  if (operation === 'send --resume') await calmAndJudge(world, [], () => {})
  const order = (await orderOf(operation, world, chance)) ?? (await orderOf('send a file', world, chance))
  if (!order) throw new Error(`There is nothing that ${operation} could be done to`)
  return order
}
