import { listEvidence } from '@telegram-backup/database'
import { postEvidence } from '#operations/post-evidence.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'
import type { ServiceContext } from '#service/service-context.ts'
import type { ServicePart } from '#service-part.ts'

const EVERY_MS = 60_000
const LONGEST_PAUSE_MS = 15 * 60_000

/**
 * Sends evidence that is not in the chats yet, at its start and once a minute: of processes that died, and
 * while the chat was away. Without any, it only reads the catalog.
 */
export function startEvidencePosting(
  context: Pick<ServiceContext, 'config' | 'database' | 'client' | 'log'>,
): ServicePart {
  const { database, log } = context
  return repeatUntilStopped({
    work: async signal => {
      if ((await listEvidence(database, { limit: 1 })).length === 0) return undefined
      const { posted, left } = await postEvidence(context, { signal })
      for (const { id, number, chat_id } of posted)
        log.info({ id, number, chat_id }, 'sent evidence of a drill')
      for (const { chat_id, code, reason } of left)
        log.warn({ chat_id, code, reason }, 'evidence was not sent yet')
      return undefined
    },
    everyMs: EVERY_MS,
    longestPauseMs: LONGEST_PAUSE_MS,
    log,
    failed: 'evidence was not sent',
  })
}
