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

/** After this time another process may try; a delivery takes less. */
const CLAIM_FOR_MS = 60_000
const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 5 * 60_000
/** With any other code, the notice may have been delivered. */
const NOT_DELIVERED: ReadonlySet<string> = new Set(['REFUSED', 'UNREACHABLE', 'CONFIGURATION'])
/** An older notice is not news any more. */
export const GIVE_UP_AFTER_MS: number = 3 * 86_400_000

interface DeliveryOptions {
  channels: Channels
  log: Logger
  signal: AbortSignal
  /** The pause after a failed delivery; it doubles. */
  firstPauseMs?: number | undefined
}

/** Delivers the notices that wait for one channel, until none is due. Throws only what the catalog throws. */
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
  const { id, channel, tries, may_be_told: mayBeRepeat } = notice
  try {
    const sent = { id: notice.delivery_id, ...(notice.notice as NoticeBody) }
    await channels.deliver(channel, sent, { signal, mayBeRepeat })
  } catch (error) {
    const { code } = describeError(error)
    const isUnclear = mayBeRepeat || signal.aborted || !NOT_DELIVERED.has(code)
    if (signal.aborted) {
      return await postponeNotice(database, { id, afterMs: 0, isRefused: false, mayBeTold: isUnclear })
    }
    const isTooOld = Date.now() - notice.created_at.getTime() > GIVE_UP_AFTER_MS
    const words = isTooOld ? 'a notice was dropped' : 'a notice could not be delivered'
    log.error({ channel, notice: id, tries, error }, words)
    if (isTooOld) return await closeNotice(database, { ...notice, wasTold: false })
    const afterMs = Math.min(firstPauseMs * 2 ** Math.min(tries - 1, 10), LONGEST_PAUSE_MS)
    const isRefused = code === 'REFUSED'
    return await postponeNotice(database, { id, afterMs, isRefused, mayBeTold: isUnclear })
  }
  await closeNotice(database, { ...notice, wasTold: true })
}
