import type { Chance } from '#torture/chance.ts'
import { playDoorRound } from '#torture/objects/door-round.ts'
import { calmAndJudge, lastWords } from '#torture/play/calm.ts'
import { chooseFaults, slowly } from '#torture/play/fault-plan.ts'
import { prepare } from '#torture/play/ground.ts'
import { actAsHuman } from '#torture/play/humans.ts'
import { chooseKill, type KillPlan, wordsOf } from '#torture/play/kill-plan.ts'
import { isOfOldMachine, notRefused, touched, whatIsInTheChats } from '#torture/play/old-machine.ts'
import { type CommandName, type Order, orderOf } from '#torture/play/operations.ts'
import type { RoundOptions } from '#torture/play/round-options.ts'
import { carryOut, type Run } from '#torture/play/run.ts'
import { playServiceRound } from '#torture/service/service-round.ts'
import type { World } from '#torture/world/world.ts'

/** Of what --only names, nothing may be possible beside the first. */
const MOST_TRIES = 100

/**
 * One round: an operation or two at once, broken somehow; then, mostly, calm. Gives what was wrong after it.
 */
export async function playRound(chance: Chance, options: RoundOptions): Promise<string[]> {
  const { world, server, tally, tell } = options
  const operation = chance.weighted(options.operations)
  if (operation === 'serve') {
    tell('serve:')
    return await playServiceRound(chance, options)
  }
  if (operation === 'door') {
    tell('door:')
    return await playDoorRound(chance, options)
  }
  const orders = await chooseOrders(operation, chance, options)
  const before = orders.some(isOfOldMachine) ? await whatIsInTheChats(world) : undefined
  if (before === undefined && chance.happens(0.16)) {
    const act = await actAsHuman(world, chance)
    if (act) {
      tally.human(act)
      tell(`a person ${act}`)
    }
  }
  // Two that nothing disturbs but each other.
  const inPeace = orders.length > 1 && orders.every(isPeaceable) && chance.happens(0.4)
  const runs = await Promise.all(
    orders.map(async (order, at) => {
      const branch = chance.branch(`run ${at}`)
      const happened: string[] = []
      const hear = (words: string): void => {
        happened.push(words)
        tally.fault(words)
      }
      const faults = inPeace ? slowly(branch) : chooseFaults(branch.branch('faults'), hear)
      const kill: KillPlan =
        inPeace || (at > 0 && branch.happens(0.5))
          ? { kind: 'none' }
          : chooseKill(branch, order.aim, { isEmbedded: world.catalog.kind === 'embedded' })
      const run = await carryOut(order, { world, server, kill, faults })
      tally.run({ operation: order.operation, kill, met: run.met, isOneOfTwo: orders.length > 1 })
      tell(describe(run, kill, happened))
      const isUndisturbed = !run.met && happened.length === 0 && (inPeace || orders.length === 1)
      return { run, isUndisturbed }
    }),
  )
  const violations = runs.flatMap(({ run, isUndisturbed }) =>
    isUndisturbed ? failedWithoutReason(world, run) : [],
  )
  if (before !== undefined) {
    for (const { run } of runs) await run.api.close()
    violations.push(
      ...notRefused(runs.map(({ run }) => run)),
      ...touched(before, await whatIsInTheChats(world)),
    )
  }
  // Now and then the next command finds what this one has left.
  const mustCalm = runs.some(({ run }) => run.order.operation.startsWith('recover') || run.api.held() > 0)
  if (!mustCalm && chance.happens(0.2)) {
    for (const { run } of runs) await run.api.close()
    return violations
  }
  return [
    ...violations,
    ...(await calmAndJudge(
      world,
      runs.map(({ run }) => run),
      tell,
    )),
  ]
}

async function chooseOrders(first: CommandName, chance: Chance, options: RoundOptions): Promise<Order[]> {
  const wanted = chance.happens(options.together) ? 2 : 1
  const orders = [await prepare(first, { ...options, chance })]
  // A new machine beside the old one is not two at work on one catalog.
  const isShared = orders.every(({ operation }) => !/recover|old machine/.test(operation))
  for (let tries = 0; isShared && orders.length < wanted && tries < MOST_TRIES; tries++) {
    const operation = chance.weighted(options.operations)
    if (operation === 'serve' || operation === 'door' || /recover|old machine/.test(operation)) continue
    const order = await orderOf(operation, options.world, chance)
    if (order) orders.push(order)
  }
  return orders
}

/**
 * Whether it has to succeed whatever another one does at the same time: nobody can take from it what it works
 * on.
 */
function isPeaceable({ operation }: Order): boolean {
  return operation === 'send a file' || operation === 'send standard input' || operation === 'reconcile'
}

/** Whoever is left alone has to succeed; what people deleted or pinned may be a reason not to. */
function failedWithoutReason(world: World, { order, end }: Run): string[] {
  const { deleted, pinned } = world.human
  if (end.code === 0 || order.catalog || deleted.size > 0 || pinned) return []
  return [`failed: ${order.operation}, undisturbed, ends with ${end.code}: ${lastWords(end)}`]
}

function describe(
  { order, end, hit, calls, statements }: Run,
  kill: KillPlan,
  happened: readonly string[],
): string {
  const where = hit ? ` (${hit.channel} ${hit.number}: ${hit.what})` : ''
  const faults = happened.length > 0 ? `; faults: ${happened.join(', ')}` : ''
  const words = end.code === 0 || end.killed ? '' : `; ${lastWords(end)}`
  return `${order.operation}: ${wordsOf(kill)}${where}; exit ${end.code ?? 'by SIGKILL'}, ${calls} calls, ${statements} statements${faults}${words}`
}
