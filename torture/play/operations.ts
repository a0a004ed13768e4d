import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Chance } from '#torture/chance.ts'
import type { Aim } from '#torture/play/kill-plan.ts'
import { PART_SIZE_BYTES, type World } from '#torture/world/world.ts'

/** What the program is told to do. */
export type OperationName =
  | 'send a file'
  | 'send standard input'
  | 'send --resume'
  | 'erase'
  | 'erase after 48 hours'
  | 'reconcile'
  | 'recover'

export const OPERATIONS: readonly OperationName[] = [
  'send a file',
  'send standard input',
  'send --resume',
  'erase',
  'erase after 48 hours',
  'reconcile',
  'recover',
]

/** One command line, ready to be run. */
export interface Order {
  readonly operation: OperationName
  readonly args: readonly string[]
  readonly input?: Buffer | undefined
  /** SHA-256 of what a send was given. */
  readonly given?: string | undefined
  readonly aim: Aim
}

const MOST_PARTS = 6

/** Makes an order of an operation; undefined when the world has nothing that it could be done to. */
export async function orderOf(
  operation: OperationName,
  world: World,
  chance: Chance,
): Promise<Order | undefined> {
  switch (operation) {
    case 'send a file':
    case 'send standard input':
      return await orderSend(operation, world, chance)
    case 'send --resume': {
      const failed = await world.catalog.rows(
        "select id from control_plane.backups where state = 'failed' and resumable order by created_at, id",
      )
      if (failed.length === 0) return undefined
      const args = ['send', '--resume', String(chance.pick(failed)['id']), '--json']
      return { operation, args, aim: { api: 14, sql: 100, ms: 1400 } }
    }
    case 'erase':
    case 'erase after 48 hours': {
      const backups = await world.catalog.rows(
        "select id from control_plane.backups where state = 'complete' order by created_at, id",
      )
      if (backups.length === 0) return undefined
      const id = String(chance.pick(backups)['id'])
      world.condemned.add(id)
      if (operation === 'erase after 48 hours') world.emulator?.clock.advance(49 * 3600 * 1000)
      return {
        operation,
        args: ['erase', id, '--even-the-last', '--yes', '--json'],
        aim: { api: 14, sql: 90, ms: 1400 },
      }
    }
    case 'reconcile':
      return { operation, args: ['reconcile', '--json'], aim: { api: 14, sql: 80, ms: 1200 } }
    case 'recover': {
      const backups = await world.catalog.rows(
        "select id from control_plane.backups where state = 'complete'",
      )
      if (backups.length === 0) return undefined
      world.catalog = await world.newMachine()
      return { operation, args: ['recover', '--json'], aim: { api: 30, sql: 60, ms: 1400 } }
    }
  }
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
  const aim = { api: 7 + parts, sql: 60 + 12 * parts, ms: 1500 }
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
