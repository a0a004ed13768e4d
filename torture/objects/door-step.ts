import type { Chance } from '#torture/chance.ts'
import { openDoors } from '#torture/objects/buckets.ts'
import {
  type DoorClient,
  getObject,
  listObjects,
  putNew,
  removeObject,
} from '#torture/objects/door-requests.ts'
import type { KillPlan } from '#torture/play/kill-plan.ts'
import type { Run } from '#torture/play/run.ts'
import { Fleet } from '#torture/service/fleet.ts'
import { writeSources } from '#torture/service/sources.ts'
import type { CatalogServer } from '#torture/world/catalog-server.ts'
import { PART_SIZE_BYTES, type World } from '#torture/world/world.ts'

const SMALL_BYTES = 3_000

/**
 * One `serve`, killed at one step, and one after it; meanwhile a client stores objects that share a pack,
 * one of several packs, deletes, reads and lists, always in this order. At last the service ends in good
 * order.
 */
export async function playDoorStep(of: {
  world: World
  server: CatalogServer
  chance: Chance
  kill: KillPlan
  tell: (words: string) => void
}): Promise<{ first: Run; runs: Run[]; violations: string[] }> {
  const { world, server, chance, kill, tell } = of
  await writeSources(world, chance.branch('sources'))
  const { credentials, violations } = await openDoors(world)
  const { catalog } = world
  const fleet = new Fleet({
    ...{ world, server, chance, tell, catalog, plan: kill },
    faultsFor: () => undefined,
  })
  const { run } = await fleet.start(1)
  await fleet.anyone(chance)
  fleet.arm()
  const client: DoorClient = { world, catalog, fleet, chance, credentials, tell, violations }
  const [bucket = ''] = [...credentials.keys()]
  const one = await putNew(client, { bucket, folder: 'data', bytes: SMALL_BYTES })
  const large = await putNew(client, { bucket, folder: 'data', bytes: Math.round(2.5 * PART_SIZE_BYTES) })
  await Promise.all([
    removeObject(client, one),
    putNew(client, { bucket, folder: 'index', bytes: SMALL_BYTES }),
    putNew(client, { bucket, folder: 'snapshots', bytes: SMALL_BYTES }),
    putNew(client, { bucket, folder: 'locks', bytes: SMALL_BYTES }),
  ])
  await getObject(client, large)
  await removeObject(client, large)
  await putNew(client, { bucket, folder: 'data', bytes: SMALL_BYTES })
  await listObjects(client, bucket)
  const runs = await fleet.stop()
  violations.push(...fleet.violations)
  return { first: await run, runs, violations }
}
