import { command, lastWords } from '#torture/play/calm.ts'
import { answerOf } from '#torture/play/client.ts'
import type { Catalog } from '#torture/world/catalog.ts'
import type { World } from '#torture/world/world.ts'

/** Buckets of a world, each with the time for which a deleted object can be brought back. */
export const BUCKETS: Readonly<Record<string, string>> = { attic: '7d', cellar: '0' }

const doors = new WeakMap<Catalog, ReadonlyMap<string, string>>()

/**
 * User and key of a door of each bucket. The first catalog of a world makes the buckets; one that has recovered
 * the chat has to know them.
 */
export async function openDoors(
  world: World,
): Promise<{ credentials: ReadonlyMap<string, string>; violations: string[] }> {
  const known = doors.get(world.catalog)
  if (known) return { credentials: known, violations: [] }
  const rows = await world.catalog.rows(
    'select name from control_plane.object_buckets where removed_at is null',
  )
  const there = new Set(rows.map(({ name }) => String(name)))
  const violations: string[] = []
  const credentials = new Map<string, string>()
  for (const [name, undelete] of Object.entries(BUCKETS)) {
    if (!there.has(name)) {
      if (world.objects.all().some(({ bucket, presence }) => bucket === name && presence === 'there'))
        violations.push(`lost: the bucket ${name}`)
      await ask(world, [
        'bucket',
        'create',
        name,
        '--kind',
        'restic',
        '--project',
        'shop',
        '--undelete',
        undelete,
      ])
    }
    const { user, key } = await ask(world, ['doorkey', 'create', '--bucket', name, '--scope', 'full'])
    credentials.set(name, `${user}:${key}`)
  }
  doors.set(world.catalog, credentials)
  return { credentials, violations }
}

async function ask(world: World, args: readonly string[]): Promise<Record<string, unknown>> {
  const end = await command(world, [...args, '--json'])
  const answer = answerOf(end)
  if (end.code !== 0 || answer === undefined) throw new Error(`${args.join(' ')}: ${lastWords(end)}`)
  return answer
}
