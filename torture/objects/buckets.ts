import { lastWords } from '#torture/play/calm.ts'
import { answerOf, startClient } from '#torture/play/client.ts'
import type { Catalog } from '#torture/world/catalog.ts'
import type { World } from '#torture/world/world.ts'

/** Buckets of a world, each with the time for which a deleted object can be brought back. */
const BUCKETS: Readonly<Record<string, string>> = { attic: '7d', cellar: '0' }

/** User and key of a door, by bucket. */
export type Credentials = ReadonlyMap<string, string>

const doors = new WeakMap<Catalog, Credentials>()

/**
 * The doors of all buckets on the world's catalog. The first catalog of a world makes the buckets; one that
 * has recovered the chat has to know them.
 */
export async function openDoors(world: World): Promise<{ credentials: Credentials; violations: string[] }> {
  const known = doors.get(world.catalog)
  if (known) return { credentials: known, violations: [] }
  const there = await bucketsOf(world.catalog)
  const violations: string[] = []
  for (const [name, undelete] of Object.entries(BUCKETS)) {
    if (there.has(name)) continue
    if (world.objects.all().some(({ bucket, presence }) => bucket === name && presence === 'there'))
      violations.push(`lost: the bucket ${name}`)
    await ask(world, world.catalog, [
      ...['bucket', 'create', name, '--kind', 'restic', '--project', 'shop', '--undelete', undelete],
    ])
  }
  return { credentials: await keysOn(world, world.catalog), violations }
}

/** New keys of the buckets that a catalog has, also of one whose chat another machine has taken over. */
export async function keysOn(world: World, catalog: Catalog): Promise<Credentials> {
  const known = doors.get(catalog)
  if (known) return known
  const credentials = new Map<string, string>()
  for (const name of await bucketsOf(catalog)) {
    const { user, key } = await ask(world, catalog, [
      'doorkey',
      'create',
      '--bucket',
      name,
      '--scope',
      'full',
    ])
    credentials.set(name, `${user}:${key}`)
  }
  doors.set(catalog, credentials)
  return credentials
}

async function bucketsOf(catalog: Catalog): Promise<Set<string>> {
  const rows = await catalog.rows(
    'select name from control_plane.object_buckets where removed_at is null order by name',
  )
  return new Set(rows.map(({ name }) => String(name)))
}

async function ask(
  world: World,
  catalog: Catalog,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const end = await startClient([...args, '--json'], {
    env: { ...world.environment(catalog), ...catalog.environment(), TELEGRAM_API_ROOT: world.apiRoot },
    cwd: world.folder,
  }).end
  const answer = answerOf(end)
  if (end.code !== 0 || answer === undefined) throw new Error(`${args.join(' ')}: ${lastWords(end)}`)
  return answer
}
