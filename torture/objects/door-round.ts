import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '#torture/chance.ts'
import { readCaption } from '#torture/judge/captions.ts'
import { watchJobs } from '#torture/judge/jobs-check.ts'
import { openDoors } from '#torture/objects/buckets.ts'
import { type DoorClient, removeObject, useDoor } from '#torture/objects/door-requests.ts'
import { restore } from '#torture/objects/restore.ts'
import { timePasses } from '#torture/objects/time-passes.ts'
import { untoldDeletes } from '#torture/objects/untold-deletes.ts'
import { calmAndJudge } from '#torture/play/calm.ts'
import { chooseFaults, slowly } from '#torture/play/fault-plan.ts'
import { orderOf } from '#torture/play/operations.ts'
import type { RoundOptions } from '#torture/play/round-options.ts'
import { carryOut, type Run } from '#torture/play/run.ts'
import { Fleet } from '#torture/service/fleet.ts'
import { patiently } from '#torture/service/requests.ts'
import { writeSources } from '#torture/service/sources.ts'
import type { Catalog } from '#torture/world/catalog.ts'
import type { World } from '#torture/world/world.ts'

const MOST_CLIENTS = 5
const MOST_ACTS = 8
/** A service looks after its buckets every 5 seconds. */
const UPKEEP_MS = 5_000

/**
 * Several `serve` on the world's catalog, each broken somehow, while clients put, delete, read and list
 * objects through their doors, and one restores; sometimes a command works beside them. Sometimes the
 * clients leave, and upkeep has time to erase what it has made garbage. Then the services are asked to end,
 * or are all killed, and everything is as after a command.
 */
export async function playDoorRound(chance: Chance, options: RoundOptions): Promise<string[]> {
  const { world, server, tally, tell } = options
  await writeSources(world, chance.branch('sources'))
  const { credentials, violations } = await openDoors(world)
  const { catalog } = world
  // A service asks for jobs by itself, which a later round of jobs looks at.
  await watchJobs(catalog)
  const time = chance.branch('time')
  if (time.happens(0.4)) await timePasses(catalog, time.happens(0.7) ? 'a week' : 'some seconds')
  const fleet = new Fleet({
    ...{ world, server, chance, tell, catalog },
    isRead: true,
    // Slow calls: then more often a pack is under way while something else happens, as a checkpoint.
    faultsFor: branch =>
      branch.branch('slow').happens(0.25)
        ? slowly(branch.branch('faults'))
        : chooseFaults(branch.branch('faults'), words => tally.fault(words)),
  })
  const count = chance.weighted([
    [1, 5],
    [2, 4],
    [3, 1],
  ] as const)
  for (let number = 0; number < count; number++) await fleet.start(number === 0 ? 0.9 : 0.4)
  await fleet.anyone(chance)
  const quiet = chance.branch('quiet')
  const isQuietAtLast = quiet.happens(0.35)
  if (!isQuietAtLast || quiet.happens(0.5)) fleet.arm()
  const client = { world, catalog, fleet, credentials, tell, violations }
  const restoring = chance.branch('restore')
  const [beside] = await Promise.all([
    chance.happens(0.4) ? workBeside(chance.branch('beside'), options) : undefined,
    useDoors(chance.branch('clients'), client),
    restoring.happens(0.5) ? restore({ ...client, chance: restoring }) : undefined,
  ])
  // A machine that does not hear that it has lost the chat goes on.
  if (catalog !== world.catalog) await useDoors(chance.branch('afterwards'), client)
  else if (isQuietAtLast) await beQuiet({ ...client, chance: quiet })
  fleet.arm()
  const isKilled = chance.happens(isQuietAtLast ? 0.7 : 0.3)
  const services = isKilled ? await fleet.killAll() : await fleet.stop()
  for (const { kill, run } of fleet.members) {
    const { met } = await run
    tally.run({ operation: 'door', kill, met, isOneOfTwo: fleet.members.length > 1 })
  }
  violations.push(...fleet.violations)
  if (catalog !== world.catalog) {
    // The other machine would not look for what arrives late of this one.
    for (const { api } of services) await api.deliverLate()
    await learnTakeover(world, catalog)
  }
  const runs: Run[] = beside ? [...services, beside] : services
  violations.push(...(await calmAndJudge(world, runs, tell)))
  return violations
}

async function useDoors(chance: Chance, client: Omit<DoorClient, 'chance'>): Promise<void> {
  const clients = chance.whole(1, MOST_CLIENTS)
  const works = Array.from({ length: clients }, async (_, at) => {
    const branch = chance.branch(`client ${at}`)
    const acts = branch.whole(2, MOST_ACTS)
    for (let number = 0; number < acts; number++) {
      await delay(branch.whole(0, 200))
      await useDoor({ ...client, chance: branch })
    }
  })
  await Promise.all(works)
}

/**
 * Nobody asks for anything any more. At last an object was deleted, so that a pack has to tell it that holds
 * nothing else.
 */
async function beQuiet(client: DoorClient): Promise<void> {
  const { world, catalog, fleet, chance, tell } = client
  const there = world.objects.free('there').filter(({ inChat }) => inChat)
  if (there.length > 0) await removeObject(client, chance.pick(there))
  const howMuch = chance.happens(0.6) ? 'some seconds' : 'a week'
  await patiently(() => timePasses(catalog, howMuch))
  fleet.arm()
  tell(`  quiet, as after ${howMuch}`)
  // What is told in one round of upkeep is garbage in the next one.
  await delay(chance.whole(UPKEEP_MS + 2_000, 2 * UPKEEP_MS + 2_000))
}

/**
 * A backup or a reconcile on the same catalog and in the same chat, at the same time; or another machine
 * that takes the chat over.
 */
async function workBeside(
  chance: Chance,
  { world, server, tally, tell }: RoundOptions,
): Promise<Run | undefined> {
  const operation = chance.weighted([
    ['send a file', 3],
    ['reconcile', 2],
    ['recover', world.human.pinned ? 0 : 2],
  ] as const)
  await delay(chance.whole(0, 1_500))
  const order = await patiently(() => orderOf(operation, world, chance))
  if (!order) return undefined
  const kill = { kind: 'none' } as const
  const run = await carryOut(order, { world, server, kill })
  tally.run({ operation, kill, met: run.met, isOneOfTwo: true })
  tell(`  beside them ${operation} ends with ${run.end.code ?? 'SIGKILL'}`)
  return run
}

/**
 * What was answered before the takeover has been found by it. What the old machine deleted and could not
 * tell, what it sent and did not count, and what it erased after the other one had seen it, it has not. A
 * copy of the index, or of another message, stays where the old machine asked for one, got no answer, and
 * may not look any more.
 */
async function learnTakeover(world: World, old: Catalog): Promise<void> {
  world.objects.recovered(await untoldDeletes(old))
  const rows = await old.rows("select id, state from control_plane.packs where state <> 'sent'")
  for (const { id, state } of rows) {
    if (state === 'intended') world.strays.add(`pack ${id}`)
    else world.collected.add(String(id))
  }
  const copies = await old.rows(
    "select pack_id, chat_id from control_plane.pack_messages where state = 'intended'",
  )
  for (const { pack_id, chat_id } of copies) world.strays.add(`${chat_id} pack ${pack_id}`)
  for (const chat of [world.chat, ...(world.replica ? [world.replica] : [])]) {
    const seen = new Set<string>()
    for (const { id, caption } of await chat.view.messages()) {
      if (caption === undefined) continue
      const isCopy = readCaption(caption)?.kind === 'index' || seen.has(caption)
      if (isCopy) world.strays.add(`${chat.id} copy in message ${id}`)
      seen.add(caption)
    }
  }
}
