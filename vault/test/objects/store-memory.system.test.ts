import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DEFAULT_PART_SIZE_BYTES } from '@telegram-backup/archive'
import { expect, it } from 'vitest'
import { openStoreWorld } from '#test/objects/store-world.ts'
import type { MuchTask } from '#test/programs/store-much.ts'

const MIB = 1_048_576
/** Of the whole service; the store alone must stay well below. */
const LIMIT_BYTES = 350 * MIB

it.each([
  { what: 'five objects of 24 MiB at once, three times', to: 15, bytes: 24 * MIB, atOnce: 5 },
  { what: 'one object of 1 GiB', to: 1, bytes: 1_024 * MIB, atOnce: 1 },
  { what: 'five thousand small objects', to: 5_000, bytes: 1_000, atOnce: 200 },
])('$what are stored and read in bounded memory', async ({ to, bytes, atOnce }) => {
  const world = await openStoreWorld()
  try {
    const { vault, catalog, bucket } = world
    const task: MuchTask = {
      url: catalog.env['DATABASE_URL'] ?? '',
      token: vault.token,
      apiRoot: vault.emulator.url,
      config: world.config({ partSizeBytes: DEFAULT_PART_SIZE_BYTES }),
      bucket: bucket.name,
      ...{ from: 1, to, bytes, atOnce },
    }
    const program = fileURLToPath(import.meta.resolve('#test/programs/store-much.ts'))
    const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(task)])
    const most = stdout.trim().split('\n').map(Number)
    console.info(
      `${Math.round((most[0] ?? 0) / MIB)} MiB stored, ${Math.round((most[1] ?? 0) / MIB)} MiB read`,
    )
    expect(most).toHaveLength(2)
    expect(Math.max(...most)).toBeLessThan(LIMIT_BYTES)
  } finally {
    await world.close()
  }
})
