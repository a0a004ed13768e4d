import {
  listRetentionNotices,
  type RetentionNotice,
  rememberRetentionNotices,
} from '@telegram-backup/database'
import { countMissingFiles, missingWords } from '@telegram-backup/database/missing-files'
import { hint, run } from '@telegram-backup/errors'
import type { VaultSession } from '@telegram-backup/vault/session/session.ts'
import type { RetentionSettings } from '#config/retention-settings.ts'
import { applyRetention } from '#retention/apply-retention.ts'
import { type RetentionPlan, readRetention } from '#retention/catalog-plan.ts'
import type { RetentionDecision } from '#retention/plan-retention.ts'

export type RetentionEvent = {
  kind: 'retention.notice'
  /** For people. */
  text: string
  details: {
    /** What will be erased, and not before when. */
    erase: AnnouncedBackup[]
    erase_after: string
    /** What would be erased if a person confirms. */
    needs_word: AnnouncedBackup[]
  }
}

type AnnouncedBackup = {
  id: string
  project_id: string
  type: string
  source: string | null
  reason: string
  missing_files: number
}

/** Announces what retention will erase; the settings say how long it then waits. */
export interface RetentionAnnouncer extends RetentionSettings {
  /** Resolves to the id of the notice that now waits for delivery; null when none does. */
  announce(event: RetentionEvent): Promise<number | null>
  /**
   * Whether backups wait until their notice is delivered; else a notice for a removed channel holds up
   * nothing.
   */
  untilDelivered: boolean
}

const MOST_IN_TEXT = 20
const MOST_IN_DETAILS = 200

/**
 * One run of retention without a person. It announces each backup once, waits for the delivery and then for
 * the notice period, and erases it. What needs a confirmation is announced and left. Throws as
 * `applyRetention`; what `announce` throws ends the run before anything is erased.
 */
export async function runRetention(
  session: VaultSession,
  { noticeMs, announce, untilDelivered }: RetentionAnnouncer,
): Promise<void> {
  const { database } = session
  const { now, notices } = await listRetentionNotices(database)
  const announcedAt = new Map(
    notices.map(({ backup_id, kind, told_at }) => [`${kind} ${backup_id}`, told_at]),
  )
  const planWith = await readRetention(database, now)
  // A notice period delays what needs no confirmation, and never replaces a confirmation.
  const judged = planWith(announcedTimes(notices)).filter(({ backup }) => backup.state === 'complete')
  const going = judged.filter(({ decision }) => decision === 'erase')
  const inDoubt = judged.filter(({ needsWord }) => needsWord)
  const waiting = new Set(
    notices.filter(({ kind, is_waiting }) => kind === 'erase' && is_waiting).map(one => one.backup_id),
  )
  // Any earlier, it would be erased before the announcement.
  const soonest = new Date(now.getTime() + Math.max(1, noticeMs))
  const eraseAfter = (id: string): Date => {
    const announced = announcedAt.get(`erase ${id}`)
    if (untilDelivered && (announced === undefined || waiting.has(id))) return soonest
    return new Date((announced ?? now).getTime() + noticeMs)
  }
  const plan = planWith(new Map(going.map(({ backup }) => [backup.id, eraseAfter(backup.id)])))
  const news = {
    going: going.filter(({ backup }) => !announcedAt.has(`erase ${backup.id}`)),
    inDoubt: inDoubt.filter(({ backup }) => !announcedAt.has(`word ${backup.id}`)),
    after: new Date(now.getTime() + noticeMs),
  }
  // Without a notice period, what is erased at once is no warning: it gets an announcement of its own.
  const separate = [
    { ...news, inDoubt: [] },
    { ...news, going: [] },
  ]
  const parts = noticeMs > 0 ? [news] : separate
  let noticeId: number | null = null
  for (const part of parts) {
    if (part.going.length + part.inDoubt.length === 0) continue
    const announcedBy = await announce(eventOf(part))
    if (noticeMs > 0) noticeId = announcedBy
  }
  const good = [
    ...going.map(({ backup }) => ({ backup_id: backup.id, kind: 'erase' as const })),
    ...inDoubt.map(({ backup }) => ({ backup_id: backup.id, kind: 'word' as const })),
  ]
  await rememberRetentionNotices(database, good, noticeId)
  await applyRetention(session, plan, { agreed: false, waitForLiving: false })
}

/** By id, when it was announced that a backup will be erased. */
function announcedTimes(notices: readonly RetentionNotice[]): ReadonlyMap<string, Date> {
  return new Map(
    notices.filter(({ kind }) => kind === 'erase').map(({ backup_id, told_at }) => [backup_id, told_at]),
  )
}

function eventOf(of: { going: RetentionPlan; inDoubt: RetentionPlan; after: Date }): RetentionEvent {
  const { going, inDoubt, after } = of
  return {
    kind: 'retention.notice',
    text: [
      ...paragraph(`Retention erases, not before ${after.toISOString().slice(0, 16)}Z:`, going),
      ...paragraph(
        `Retention would erase, and waits for "${hint`${run('expire', { yes: true })}`}":`,
        inDoubt,
      ),
    ].join('\n'),
    details: {
      erase: going.slice(0, MOST_IN_DETAILS).map(factsOf),
      erase_after: after.toISOString(),
      needs_word: inDoubt.slice(0, MOST_IN_DETAILS).map(factsOf),
    },
  }
}

function paragraph(heading: string, decisions: RetentionPlan): string[] {
  if (decisions.length === 0) return []
  const more = decisions.length - MOST_IN_TEXT
  return [
    heading,
    ...decisions.slice(0, MOST_IN_TEXT).map(({ backup, reason }) => {
      const of = [backup.project_id, backup.type, backup.source_name ?? ''].filter(Boolean).join(' ')
      const at = `${backup.created_at.toISOString().slice(0, 16)}Z`
      const facts = [of, at, missingWords(backup)].filter(words => words !== undefined).join(', ')
      return `${backup.id.slice(0, 8)} ${facts}: ${reason}`
    }),
    ...(more > 0 ? [`and ${more} more`] : []),
  ]
}

function factsOf({ backup, reason }: RetentionDecision): AnnouncedBackup {
  const { id, project_id, type, source_name: source } = backup
  return { id, project_id, type, source, reason, missing_files: countMissingFiles(backup) }
}
