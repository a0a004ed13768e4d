import { BackupError } from '@telegram-backup/errors'
import type { ObjectStore } from '@telegram-backup/vault/objects/object-store.ts'
import type { ServiceContext } from '#service/service-context.ts'
import type { ServicePart } from '#service-part.ts'
import { openObjects } from '#wiring.ts'

/** The objects of all buckets, while the service runs. */
export interface ObjectsPart extends ServicePart {
  /** Throws `CONFIGURATION` or `NO_KEY` when this service can store nothing: without a chat, or a public key. */
  store(): ObjectStore
}

/** How long packs that are under way, and checkpoints, may take at the end. */
const STOP_WITHIN_MS = 10_000

/** Opens the store and looks after its buckets. A service that lacks a setting for it does everything else. */
export async function startObjects(context: ServiceContext): Promise<ObjectsPart> {
  const ending = new AbortController()
  const { log } = context
  const { cacheBytes } = context.configFile.objects
  const note = (line: string): void => log.info(line)
  const opened = await openObjects(context, { cacheBytes, log: note, signal: ending.signal }).catch(
    (error: unknown) => {
      if (error instanceof BackupError && ['CONFIGURATION', 'NO_KEY'].includes(error.code)) return error
      throw error
    },
  )
  if (opened instanceof BackupError) {
    log.info({ reason: opened.message }, 'buckets cannot be used')
    return {
      store: () => {
        throw opened
      },
      stop: async () => {},
    }
  }
  void opened.tend({ signal: ending.signal })
  return {
    store: () => opened,
    stop: async () => {
      await opened
        .close({ graceMs: STOP_WITHIN_MS })
        .catch((error: unknown) => log.warn({ error }, 'the store of objects did not stop cleanly'))
      ending.abort()
    },
  }
}
