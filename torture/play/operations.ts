import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Chance } from '#torture/chance.ts'
import { untoldDeletes } from '#torture/objects/untold-deletes.ts'
import type { Aim } from '#torture/play/kill-plan.ts'
import type { Catalog } from '#torture/world/catalog.ts'
import { PART_SIZE_BYTES, type World } from '#torture/world/world.ts'

/** What the program is told to do. */
export type OperationName =
  | 'send a file'
  | 'send standard input'
  | 'send --resume'
  | 'erase'
  | 'erase after 48 hours'
  | 'reconcile'
  | 'expire'
  | 'recover'
  | 'recover by another bot'
  | 'an old machine wakes up'
  | 'serve'
  | 'door'

/** Operations that are one command line each. */
export type CommandName = Exclude<OperationName, 'serve' | 'door'>

export const OPERATIONS: readonly OperationName[] = [
  'send a file',
  'send standard input',
  'send --resume',
  'erase',
  'erase after 48 hours',
  'reconcile',
  'expire',
  'recover',
  'recover by another bot',
  'an old machine wakes up',
  'serve',
  'door',
]

/** One command line, ready to be run. */
export interface Order {
  readonly operation: OperationName
  readonly args: readonly string[]
  readonly input?: Buffer | undefined
  /** Settings besides those of the world. */
  readonly environment?: Readonly<Record<string, string>>
  /** SHA-256 of what a send was given. */
  readonly given?: string | undefined
  /** The machine that it is done on; the world's own by default. */
  readonly catalog?: Catalog
  readonly aim: Aim
}

const MOST_PARTS = 6

/** Makes an order of an operation; undefined when the world has nothing that it could be done to. */
export async function orderOf(
  operation: CommandName,
  world: World,
  chance: Chance,
): Promise<Order | undefined> {
  switch (operation) {
    case 'send a file':
    case 'send standard input':
      return await orderSend(operation, world, chance)
    case 'send --resume': {
      const failed = await world.catalog.rows(
        `select id, source_name from control_plane.backups where state = 'failed' and resumable order by created_at, id`,
      )
      if (failed.length === 0) return undefined
      const { id, source_name: source } = chance.pick(failed)
      world.resumed.push({ backupId: String(id), source: source === null ? null : String(source) })
      return {
        operation,
        args: ['send', '--resume', String(id), '--json'],
        aim: { api: 5, sql: 34 },
      }
    }
    case 'erase':
    case 'erase after 48 hours': {
      const complete = await idsOf(world, "state = 'complete'")
      if (complete.length === 0) return undefined
      const id = chance.pick(complete)
      world.condemned.add(id)
      if (operation === 'erase after 48 hours') world.emulator?.clock.advance(49 * 3600 * 1000)
      return {
        operation,
        args: ['erase', id, '--even-the-last', '--yes', '--json'],
        aim: { api: 6, sql: 32 },
      }
    }
    case 'reconcile':
      return { operation, args: ['reconcile', '--json'], aim: { api: 6, sql: 26 } }
    case 'expire': {
      // The newest of a project stays, whatever its time says.
      const older = await idsOf(
        world,
        `state = 'complete' and exists (select from control_plane.backups newer where newer.project_id = b.project_id
         and newer.state = 'complete' and newer.damaged_at is null and newer.created_at > b.created_at)`,
      )
      if (older.length === 0) return undefined
      for (const id of older) {
        world.condemned.add(id)
        await world.catalog.rows(`update control_plane.backups set expires_at = now() where id = '${id}'`)
      }
      return { operation, args: ['expire', '--yes', '--json'], aim: { api: 6, sql: 32 } }
    }
    case 'recover':
    case 'recover by another bot': {
      if ((await idsOf(world, "state = 'complete'")).length === 0 && !world.objects.hasAny('there'))
        return undefined
      if (operation === 'recover by another bot') {
        world.token = world.anotherBot()
        world.isOfAnotherBot = true
      }
      world.objects.recovered(await untoldDeletes(world.catalog))
      world.former.push(world.catalog)
      world.catalog = await world.newMachine()
      return { operation, args: ['recover', '--json'], aim: { api: 10, sql: 34 } }
    }
    case 'an old machine wakes up':
      return await orderOnOldMachine(world, chance)
  }
}

async function idsOf({ catalog }: World, condition: string): Promise<string[]> {
  const rows = await catalog.rows(
    `select id from control_plane.backups b where ${condition} order by created_at, id`,
  )
  return rows.map(({ id }) => String(id))
}

/**
 * A machine that knows nothing of the recovery goes on with its work. Where people took the pin away, it
 * cannot see.
 */
async function orderOnOldMachine(world: World, chance: Chance): Promise<Order | undefined> {
  if (world.former.length === 0 || world.human.pinned) return undefined
  const operation = 'an old machine wakes up'
  const catalog = chance.pick(world.former)
  const [known] = await catalog.rows(
    "select id from control_plane.backups where state = 'complete' order by id",
  )
  const act = chance.pick(['send', 'reconcile', 'erase'] as const)
  const aim = { api: 2, sql: 12 }
  if (act === 'reconcile') return { operation, args: ['reconcile', '--json'], catalog, aim }
  if (act === 'erase' && known) {
    const args = ['erase', String(known['id']), '--even-the-last', '--yes', '--json']
    return { operation, args, catalog, aim }
  }
  return { ...(await orderSend('send a file', world, chance)), operation, catalog, aim }
}

async function orderSend(
  operation: 'send a file' | 'send standard input',
  world: World,
  chance: Chance,
): Promise<Order> {
  const parts = chance.whole(1, MOST_PARTS)
  const bytes = chance.bytes(chance.whole(1, Math.floor(parts * PART_SIZE_BYTES * 0.95)))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  world.given.set(sha256, { size: bytes.length, sha256 })
  const name = `${sha256.slice(0, 12)}.bin`
  const sent = Math.ceil(bytes.length / PART_SIZE_BYTES)
  const aim = { api: 3 + sent, sql: 28 + 7 * sent }
  const common = ['send', '--project', chance.pick(['shop', 'blog']), '--type', 'storage', '--json']
  if (operation === 'send standard input') {
    return { operation, args: [...common, '--filename', name, '-'], input: bytes, given: sha256, aim }
  }
  const folder = join(world.folder, 'files')
  await mkdir(folder, { recursive: true })
  const path = join(folder, name)
  await writeFile(path, bytes)
  return { operation, args: [...common, '--file', path], given: sha256, aim }
}
