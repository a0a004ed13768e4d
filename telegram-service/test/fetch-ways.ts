import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BackupService, FetchBackupOptions, TelegramError } from '#index.ts'

/** What came out of a fetch, and the error that ended it if one did. */
interface Fetched {
  bytes: Buffer
  error: TelegramError | undefined
}

/** One of the ways to fetch a backup. */
export type FetchWay = (service: BackupService, options: FetchBackupOptions) => Promise<Fetched>

/** Fetches by iterating. */
export const fetchedPieces: FetchWay = async (service, options) => {
  const pieces: Buffer[] = []
  try {
    for await (const piece of service.fetchBackup(options)) pieces.push(piece)
  } catch (error) {
    return { bytes: Buffer.concat(pieces), error: error as TelegramError }
  }
  return { bytes: Buffer.concat(pieces), error: undefined }
}

/** Fetches into a file. */
export const fetchedInto: FetchWay = async (service, options) => {
  const folder = await mkdtemp(join(tmpdir(), 'telegram-fetch-'))
  const path = join(folder, 'out')
  const file = await open(path, 'w')
  try {
    const error = await service.fetchBackupInto(file.fd, options).then(
      () => undefined,
      (failure: TelegramError) => failure,
    )
    return { bytes: await readFile(path), error }
  } finally {
    await file.close()
    await rm(folder, { recursive: true })
  }
}
