import type { Backup } from '@telegram-backup/database'
import type { RestorePlan, RestoreStep } from '#restore/ask-for-plan.ts'
import { formatBytes } from '#units/human-units.ts'

type Into = Extract<RestoreStep, { does: 'write' }>['into']

const WAYS: Readonly<Record<RestorePlan['makes'], Record<Into, (name: string) => string>>> = {
  database: {
    empty: name => `into the empty database ${name}, in one transaction`,
    new: viaTemporaryDatabase,
    staging: viaTemporaryDatabase,
    existing: name => `adds to the database ${name}, in one transaction; nothing that it holds is changed`,
  },
  roles: { empty: sameWay, new: sameWay, staging: sameWay, existing: sameWay },
  directory: {
    empty: () => 'into a new directory, which then replaces the empty one',
    new: () => 'into a temporary directory, which is then renamed',
    staging: () => 'into a temporary directory, which then replaces the old one; the old one is deleted',
    existing: name => `adds to ${name}`,
  },
}

function sameWay(name: string): string {
  return `adds to ${name}, in one transaction`
}

function viaTemporaryDatabase(name: string): string {
  return `loads into a temporary database, in one transaction, then renames it to ${name}`
}

/** How the bytes get into the target, as the end of a sentence. */
export function wayOf(
  makes: RestorePlan['makes'],
  step: Extract<RestoreStep, { does: 'write' | 'move in' }>,
): string {
  if (step.does === 'write') return WAYS[makes][step.into](step.name)
  return `into a temporary folder in ${step.name}, from which the files are moved into their places; all else there stays`
}

/** What is replaced: `3 tables (12 MiB)`. */
export function heldBy({ holds, sizeBytes }: Extract<RestoreStep, { does: 'replace' }>): string {
  return `${holds.join(', ')} (${formatBytes(sizeBytes)})`
}

/** What a restore replaces; null for nothing. A folder goes as a whole, and is not counted. */
export function replacedBy({ makes, steps }: Pick<RestorePlan, 'makes' | 'steps'>): string | null {
  const replaced = steps.find(step => step.does === 'replace')
  if (replaced !== undefined) return heldBy(replaced)
  const isFull = steps.some(step => step.does === 'write' && step.into === 'staging')
  return makes === 'directory' && isFull ? 'the folder with all that is in it' : null
}

/** A send this slow waited, or its machine's clock was behind that of the catalog. */
const HELD_UP = { seconds: 60, bytesPerSecond: 1024 }

/** How long fetching may take: as long as the send took; null when nobody knows. */
export function fetchSeconds({
  completed_at,
  created_at,
  archive_size,
  size,
}: Pick<Backup, 'completed_at' | 'created_at' | 'archive_size' | 'size'>): number | null {
  const took = ((completed_at?.getTime() ?? 0) - created_at.getTime()) / 1000
  const isHeldUp = took > HELD_UP.seconds && (archive_size ?? size) / took < HELD_UP.bytesPerSecond
  return took > 0 && !isHeldUp ? Math.ceil(took) : null
}
