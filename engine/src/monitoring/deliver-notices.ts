import {
  claimNotice,
  closeNotice,
  type Database,
  type Notice,
  type NoticeChannel,
  postponeNotice,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import type { Logger } from '#logging.ts'
import type { Channels } from '#monitoring/channels.ts'
import type { NoticeBody } from '#monitoring/wording.ts'

/** A channel may take almost so long for a notice; then another process may try. */
const CLAIM_FOR_MS = 60_000
const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 5 * 60_000
/** With any other, it may have been told all the same. */
const NOT_TOLD: ReadonlySet<string> = new Set(['REFUSED', 'UNREACHABLE', 'CONFIGURATION'])
/** What could not be told for so long is no news any more. */
export const GIVE_UP_AFTER_MS: number = 3 * 86_400_000

interface DeliveryOptions {
  channels: Channels
  log: Logger
  signal: AbortSignal
  /** After a notice could not be told; it doubles. */
  firstPauseMs?: number | undefined
}

/** Tells what waits to be told by one channel. Resolves when nothing is due. Throws only what the catalog throws. */
export async function deliverNotices(
  database: Database,
  channel: NoticeChannel,
  options: DeliveryOptions,
): Promise<void> {
  while (!options.signal.aborted) {
    const notice = await claimNotice(database, { channels: [channel], claimForMs: CLAIM_FOR_MS })
    if (notice === null) return
    await deliver(database, notice, options)
  }
}

async function deliver(
  database: Database,
  notice: Notice,
  { channels, log, signal, firstPauseMs = FIRST_PAUSE_MS }: DeliveryOptions,
): Promise<void> {
  const { id, channel, tries, may_be_told: mayBeTold } = notice
  try {
    const told = { id: notice.delivery_id, ...(notice.notice as NoticeBody) }
    await channels.tell(channel, told, { signal, mayBeTold })
  } catch (error) {
    const { code } = describeError(error)
    const isUnclear = mayBeTold || signal.aborted || !NOT_TOLD.has(code)
    if (signal.aborted) {
      return await postponeNotice(database, { id, afterMs: 0, isRefused: false, mayBeTold: isUnclear })
    }
    const isTooOld = Date.now() - notice.created_at.getTime() > GIVE_UP_AFTER_MS
    log.error(
      { channel, notice: id, tries, error },
      isTooOld ? 'a notice was given up' : 'a notice could not be told',
    )
    if (isTooOld) return await closeNotice(database, { ...notice, wasTold: false })
    const afterMs = Math.min(firstPauseMs * 2 ** Math.min(tries - 1, 10), LONGEST_PAUSE_MS)
    const isRefused = code === 'REFUSED'
    return await postponeNotice(database, { id, afterMs, isRefused, mayBeTold: isUnclear })
  }
  await closeNotice(database, { ...notice, wasTold: true })
}
