import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Bucket,
  changeBucket,
  createBucket,
  type Database,
  noteSnapshot,
  purgeObjects,
} from '@telegram-backup/database'
import { type Config, readConfig } from '@telegram-backup/engine/environment.ts'
import { openEngine, openObjects } from '@telegram-backup/engine/wiring.ts'
import type { ObjectStore } from '@telegram-backup/vault/objects/object-store.ts'
import {
  type FolderFile,
  type RepositoryChange,
  ResticRepository,
  type StoredFile,
} from '#start/restic-repository.ts'

const LAPTOP = 'laptop'
/** In the folder of the sample: restic's password of the bucket. */
export const RESTIC_PASSWORD_FILE = 'restic-password'

const HOUR_MS = 3_600_000
const PHOTO_BYTES = 160 * 1024
const FIRST_PHOTOS = 6
const PHOTOS_A_DAY = 2
/** Snapshots that are kept, and the days on which the others are forgotten. */
const KEPT = 2
const PRUNED_FOR_GOOD = 2
/** All deletions of a day are purged at once. */
const PURGED_AT_ONCE = 1_000

/** A laptop that restic backs up into a bucket. */
export interface SampleBucket {
  name: string
  cron: string
  timezone: string
  /** Makes the snapshot of that day, 0 for the first. */
  snapshot(of: { day: number; at: Date; isLast: boolean }): Promise<void>
  close(): Promise<void>
}

/** The bucket that the first snapshot makes, where the snapshots are written as restic writes them. */
export async function laptop(
  folder: string,
  { environment, signal }: { environment: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<SampleBucket> {
  const password = randomBytes(12).toString('base64url')
  await writeFile(join(folder, RESTIC_PASSWORD_FILE), `${password}\n`, { mode: 0o600 })
  const repository = new ResticRepository('photos')
  let photos: FolderFile[] = []
  let opening: Promise<Opened> | undefined
  return {
    ...{ name: LAPTOP, cron: '0 1 * * *', timezone: Intl.DateTimeFormat().resolvedOptions().timeZone },
    snapshot: async ({ day, at, isLast }) => {
      opening ??= open(readConfig(environment), signal)
      const opened = await opening
      if (day === 0) await carryOut(opened, repository.init(password), signal)
      // One is thrown away each day: it shares a message with others, and leaves dead bytes there.
      photos = [...photos.filter((_, place) => place !== 2), ...newPhotos(day)]
      await carryOut(opened, repository.backup(photos, at), signal)
      const { database, bucket } = opened
      await noteSnapshot(database, bucket.id, at)
      if (day === PRUNED_FOR_GOOD || isLast) await carryOut(opened, repository.forget(KEPT), signal)
      if (day !== PRUNED_FOR_GOOD + 1) return
      // The deletions of the day before are told by now.
      await purgeObjects(database, { bucketId: bucket.id, limit: PURGED_AT_ONCE })
      await changeBucket(database, bucket.id, { undeleteMs: 7 * 24 * HOUR_MS })
    },
    close: async () => {
      // One that could not be opened was reported by the snapshot.
      const opened = await opening?.catch(() => undefined)
      await opened?.store.close({ graceMs: 10_000 })
      await opened?.close()
    },
  }
}

interface Opened {
  database: Database
  store: ObjectStore
  bucket: Bucket
  close(): Promise<void>
}

async function open(config: Config, signal: AbortSignal): Promise<Opened> {
  const engine = await openEngine(config, { signal })
  const { database } = engine
  const store = await openObjects(engine, { cacheBytes: 0, log: () => {}, signal })
  const terms = { undeleteMs: 0, snapshotLimitHours: 26 }
  const bucket = await createBucket(database, { name: LAPTOP, kind: 'restic', projectId: 'home', ...terms })
  return { database, store, bucket, close: () => engine.close() }
}

/** All at once, so that files share messages: nobody reads the bucket in between. */
async function carryOut(
  { store, bucket }: Opened,
  { put, remove }: RepositoryChange,
  signal: AbortSignal,
): Promise<void> {
  const putOne = async ({ key, bytes }: StoredFile): Promise<void> => {
    const where = key.startsWith('data/') ? 'chat' : 'chat and catalog'
    const body = (async function* () {
      yield bytes
    })()
    await store.put(bucket, { key, body, size: bytes.length, where, ifAbsent: true }, { signal })
  }
  await Promise.all(put.map(putOne))
  for (const key of remove) await store.delete(bucket, key)
}

function newPhotos(day: number): FolderFile[] {
  return Array.from({ length: day === 0 ? FIRST_PHOTOS : PHOTOS_A_DAY }, (_, number) => ({
    name: `day-${day + 1}-${number + 1}.raw`,
    bytes: randomBytes(PHOTO_BYTES),
  }))
}
