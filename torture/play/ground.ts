import type { Chance } from '#torture/chance.ts'
import { untoldDeletes } from '#torture/objects/untold-deletes.ts'
import { command } from '#torture/play/calm.ts'
import { type CommandName, type Order, orderOf } from '#torture/play/operations.ts'
import { carryOut } from '#torture/play/run.ts'
import type { CatalogServer } from '#torture/world/catalog-server.ts'
import type { World } from '#torture/world/world.ts'

interface Ground {
  readonly world: World
  readonly server: CatalogServer
  readonly chance: Chance
}

/**
 * An order of an operation, and before it what it needs: a backup to erase, a dead run to settle or to
 * resume.
 */
export async function prepare(operation: CommandName, ground: Ground): Promise<Order> {
  const { world, chance } = ground
  switch (operation) {
    case 'reconcile':
      await dieInASend(ground)
      break
    case 'recover':
    case 'recover by another bot':
      if (chance.happens(0.5)) await dieInASend(ground)
  }
  const order = await orderOf(operation, world, chance)
  if (order) return order
  switch (operation) {
    case 'send --resume':
      await dieInASend(ground)
      await command(world, ['reconcile', '--json'])
      break
    case 'an old machine wakes up':
      if (world.former.length === 0) {
        await sendOne(ground)
        world.objects.recovered(await untoldDeletes(world.catalog))
        world.former.push(world.catalog)
        world.catalog = await world.newMachine()
        await command(world, ['recover', '--json'])
      }
      break
    case 'expire':
      for (let more = 0; more < 3; more++) await sendOne(ground)
      break
    default:
      await sendOne(ground)
  }
  // A send is always possible, and makes the next choice richer.
  const atLast = (await orderOf(operation, world, chance)) ?? (await orderOf('send a file', world, chance))
  if (!atLast) throw new Error(`There is nothing that ${operation} could be done to`)
  return atLast
}

async function sendOne({ world, server, chance }: Ground): Promise<void> {
  const order = await orderOf('send a file', world, chance)
  if (order) await (await carryOut(order, { world, server, kill: { kind: 'none' } })).api.close()
}

/**
 * A send of a file that is killed at a call that makes a message: a part, the manifest, or the index's edit.
 */
async function dieInASend({ world, server, chance }: Ground): Promise<void> {
  const order = await orderOf('send a file', world, chance)
  if (!order) return
  const number = chance.whole(1, order.aim.api - 1)
  const phase = chance.pick(['before', 'after'] as const)
  const kill = { kind: 'kill', channel: 'api', phase, number, delivered: phase === 'before' } as const
  await (await carryOut(order, { world, server, kill })).api.close()
}
