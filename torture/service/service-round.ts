import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '#torture/chance.ts'
import { type Asked, jobsCheck, leftByCancelled, openJobs, watchJobs } from '#torture/judge/jobs-check.ts'
import { calmAndJudge, command, lastWords } from '#torture/play/calm.ts'
import { answerOf } from '#torture/play/client.ts'
import { chooseFaults } from '#torture/play/fault-plan.ts'
import { chooseKill } from '#torture/play/kill-plan.ts'
import { orderOf } from '#torture/play/operations.ts'
import type { RoundOptions } from '#torture/play/round-options.ts'
import { carryOut, type Run } from '#torture/play/run.ts'
import { Fleet } from '#torture/service/fleet.ts'
import { playOldService } from '#torture/service/old-service.ts'
import { askForSomething, cancel, patiently, type Requester } from '#torture/service/requests.ts'
import { learnTrees, rewriteSource, SOURCES, writeSources } from '#torture/service/sources.ts'
import type { Catalog } from '#torture/world/catalog.ts'
import type { World } from '#torture/world/world.ts'

/**
 * A job that waits for an outage to end waits for a minute; beyond that, and what comes before it, nobody
 * goes on with it.
 */
const REST_WITHIN_MS = 240_000
const LOOK_EVERY_MS = 250

/** What the harness keeps of a catalog that services have worked on. */
interface Grounds {
  readonly key: string
  readonly asked: Asked[]
}
const grounds = new WeakMap<Catalog, Grounds>()

/**
 * Several `serve` on the world's catalog, each broken somehow, are asked by HTTP for backups, uploads,
 * verifications and erasures, and to cancel some; sometimes a command works beside them. When all jobs have
 * ended, the services are ended and judged, and then everything is as after a command.
 */
export async function playServiceRound(chance: Chance, options: RoundOptions): Promise<string[]> {
  const { world, server, tally, tell } = options
  // Where people took the pin away, an old machine cannot see whose the chat is.
  if (world.former.length > 0 && !world.human.pinned && chance.happens(0.4)) {
    return await playOldService(chance.branch('old machine'), options)
  }
  const { key, asked } = await groundsOf(world, chance)
  let faults = 0
  const hear = (words: string): void => {
    faults++
    tally.fault(words)
  }
  const fleet = new Fleet({
    ...{ world, server, chance, tell, catalog: world.catalog },
    faultsFor: branch => chooseFaults(branch.branch('faults'), hear),
  })
  const lately: Asked[] = []
  const requester: Requester = {
    ...{ world, fleet, chance: chance.branch('requests'), key, tell },
    onAsked: one => {
      asked.push(one)
      lately.push(one)
    },
    violations: [],
  }
  const count = chance.weighted([
    [1, 4],
    [2, 4],
    [3, 1],
  ] as const)
  for (let number = 0; number < count; number++) await fleet.start(number === 0 ? 0.9 : 0.4)
  await fleet.anyone(chance)
  fleet.arm()
  const [beside] = await Promise.all([
    chance.happens(0.25) ? workBeside(chance.branch('beside'), options) : undefined,
    makeRequests(chance, requester),
  ])
  const left = await untilAtRest(world, fleet, chance)
  const services = await fleet.stop()
  for (const { kill, run } of fleet.members) {
    const { met } = await run
    tally.run({ operation: 'serve', kill, met, isOneOfTwo: fleet.members.length > 1 })
  }
  await learnDone(world)
  if (services.some(({ end }) => end.code === null)) await removePipes(world)
  const violations = [...requester.violations, ...fleet.violations, ...left]
  if (left.length === 0) violations.push(...(await jobsCheck(world, { asked, lately, isFair: faults === 0 })))
  const runs: Run[] = beside ? [...services, beside] : services
  violations.push(...(await calmAndJudge(world, runs, tell)))
  return violations
}

async function groundsOf(world: World, chance: Chance): Promise<Grounds> {
  const known = grounds.get(world.catalog)
  if (known) return known
  await writeSources(world, chance.branch('sources'))
  const end = await command(world, ['apikey', 'create', '--name', 'harness', '--scope', 'admin', '--json'])
  const key = answerOf(end)?.['key']
  if (typeof key !== 'string') throw new Error(`No key was made: ${lastWords(end)}`)
  await watchJobs(world.catalog)
  const made = { key, asked: [] }
  grounds.set(world.catalog, made)
  return made
}

async function makeRequests(chance: Chance, requester: Requester): Promise<void> {
  const count = chance.whole(2, 5)
  const works = Array.from({ length: count }, async (_, at) => {
    const branch = chance.branch(`request ${at}`)
    await delay(branch.whole(0, 1_500))
    const asked = await askForSomething({ ...requester, chance: branch })
    if (asked?.jobId === undefined || asked.kind === 'upload' || !branch.happens(0.2)) return
    await delay(branch.whole(0, 2_500))
    await cancel({ ...requester, chance: branch }, asked.jobId)
  })
  if (chance.happens(0.25)) works.push(changeASource(chance.branch('change'), requester.world))
  await Promise.all(works)
}

async function changeASource(chance: Chance, world: World): Promise<void> {
  const files = Object.keys(SOURCES).filter(name => SOURCES[name]?.kind === 'file')
  await delay(chance.whole(0, 2_500))
  await rewriteSource(world, chance.pick(files), chance)
}

/** A command on the same catalog, at the same time. */
async function workBeside(
  chance: Chance,
  { world, server, tally, tell }: RoundOptions,
): Promise<Run | undefined> {
  const operation = chance.pick(['send a file', 'reconcile', 'erase', 'expire'] as const)
  const order = await patiently(() => orderOf(operation, world, chance))
  if (!order) return undefined
  await delay(chance.whole(0, 1_500))
  const plan = chance.happens(0.5) ? chooseKill(chance, order.aim, { isEmbedded: true }) : undefined
  // The servers are those of all.
  const kill = plan?.kind === 'kill' || plan?.kind === 'kill-at' ? plan : ({ kind: 'none' } as const)
  const run = await carryOut(order, { world, server, kill })
  tally.run({ operation, kill, met: run.met, isOneOfTwo: true })
  tell(`  beside them ${operation} ends with ${run.end.code ?? 'SIGKILL'}`)
  return run
}

/** Waits until every job has ended, and what was cancelled is taken back; gives what is not so in time. */
async function untilAtRest(world: World, fleet: Fleet, chance: Chance): Promise<string[]> {
  const open = await untilNone(() => openJobs(world.catalog), { fleet, chance })
  if (open.length > 0 || (await patiently(() => leftByCancelled(world.catalog))).length === 0) return open
  // A service takes it back at its start, and once a minute.
  await fleet.start(0)
  return await untilNone(() => leftByCancelled(world.catalog), { fleet, chance })
}

async function untilNone(
  look: () => Promise<string[]>,
  { fleet, chance }: { fleet: Fleet; chance: Chance },
): Promise<string[]> {
  const until = performance.now() + REST_WITHIN_MS
  for (;;) {
    await fleet.anyone(chance)
    const found = await patiently(look)
    if (found.length === 0) return []
    if (performance.now() > until) return found.map(words => `limbo: ${words}`)
    await delay(LOOK_EVERY_MS)
  }
}

/**
 * A dump or a directory is read through a named pipe that has its name for some milliseconds. Who is killed
 * just then leaves it, in a folder of its own and without a byte; nothing else may be left.
 */
async function removePipes({ folder }: World): Promise<void> {
  const place = join(folder, 'tmp')
  for (const name of await readdir(place)) {
    const inside = await readdir(join(place, name)).catch(() => ['no folder'])
    if (inside.every(one => one === 'fifo')) await rm(join(place, name), { recursive: true })
  }
}

/** Whoever asked for a backup is told that it is done. */
async function learnDone(world: World): Promise<void> {
  await learnTrees(world)
  const done = await world.catalog.rows(
    `select backup.id, backup.plain_sha256 from control_plane.jobs job join control_plane.backups backup on backup.id = job.backup_id
      where job.kind = 'backup' and job.state = 'done'`,
  )
  for (const { id, plain_sha256: sha256 } of done) world.acknowledged.set(String(id), String(sha256))
}
