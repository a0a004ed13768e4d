import type { Backup, BackupDetails, Verification } from '@telegram-backup/database'
import { type MissingFile, missingFiles, withMissingCount } from '@telegram-backup/database/missing-files'
import type { Caller } from '@telegram-backup/engine/access/caller.ts'
import { seesPlaces } from '#http/callers.ts'

const PLACES_OF_SOURCE: ReadonlySet<string> = new Set(['host'])
/** Details of a restore that name its server and user, or quote that server. */
const PLACES_OF_RESTORE: ReadonlySet<string> = new Set(['target', 'error'])

/** Notes quote the server. */
const PLACES_OF_DRILL: ReadonlySet<string> = new Set(['where', 'notes'])

const HIDDEN_REASON = 'The drill failed; a key with the scope admin sees the reason'

/** A backup as a key may see it. Only the scope `admin` shows where databases are. */
export function backupView(caller: Caller, backup: Backup): Backup & { missing_files: number } {
  const shown = withMissingCount(backup)
  return seesPlaces(caller)
    ? shown
    : { ...shown, source: backup.source && without(PLACES_OF_SOURCE, backup.source) }
}

/** The same with messages and history. Actors name users and machines: only the scope `admin` shows them. */
export function backupDetailsView(caller: Caller, backup: BackupDetails): BackupDetailsView {
  const shown = { ...backup, ...backupView(caller, backup), missing: missingFiles(backup) }
  if (seesPlaces(caller)) return shown
  const history = backup.history.map(({ actor: _, ...entry }) =>
    entry.event.startsWith('restore')
      ? { ...entry, details: without(PLACES_OF_RESTORE, entry.details) }
      : entry,
  )
  const verifications = backup.verifications.map(verification => verificationView(caller, verification))
  return { ...shown, history, verifications }
}

type WithoutActor<Entry> = Omit<Entry, 'actor'> & { actor?: string }
type BackupDetailsView = Omit<BackupDetails, 'history' | 'verifications'> & {
  missing_files: number
  missing: MissingFile[]
  history: WithoutActor<BackupDetails['history'][number]>[]
  verifications: WithoutActor<Verification>[]
}

/** A verification as a key may see it: the error of a drill and its report name its server. */
export function verificationView<Shown extends Verification>(
  caller: Caller,
  verification: Shown,
): WithoutActor<Shown> {
  if (seesPlaces(caller)) return verification
  const { actor: _, ...shown } = verification
  if (verification.kind !== 'drill') return shown
  const { error, report } = verification
  return {
    ...shown,
    error: error === null ? null : HIDDEN_REASON,
    report: report === null ? null : without(PLACES_OF_DRILL, report),
  }
}

function without<Facts extends object>(names: ReadonlySet<string>, facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([name]) => !names.has(name))) as Facts
}
