import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Holder, isGone, thisProcess } from '#leases/holder.ts'

const OWNER = 'owner'
/** A folder without a mark is being made, which takes no time. */
const UNMARKED_MS = 60_000
const REFRESH_MS = 60_000
/** Only this shows that a process in another container has ended. */
const UNREFRESHED_MS = 60 * 60_000

/**
 * Marks a scratch folder as this process's, also for processes in other containers on the same volume. The
 * mark is refreshed until the returned function is called.
 */
export function markAsOurs(folder: string): () => void {
  const mark = join(folder, OWNER)
  writeFileSync(mark, JSON.stringify(thisProcess()))
  const timer = setInterval(() => {
    try {
      utimesSync(mark, new Date(), new Date())
    } catch {
      // The disk may be full, or the folder is being deleted.
    }
  }, REFRESH_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Whether a process works in a scratch folder, or may; a folder that is gone is not in use. */
export function isInUse(folder: string): boolean {
  const mark = join(folder, OWNER)
  const markedAt = statSync(mark, { throwIfNoEntry: false })?.mtimeMs
  if (markedAt === undefined) {
    const madeAt = statSync(folder, { throwIfNoEntry: false })?.mtimeMs
    return madeAt !== undefined && Date.now() - madeAt < UNMARKED_MS
  }
  const holder = holderIn(mark)
  const isOfHere = holder?.host != null && holder.host === thisProcess().host
  return isOfHere ? !isGone(holder) : Date.now() - markedAt < UNREFRESHED_MS
}

/** Undefined when the mark is unfinished or of an unknown form. */
function holderIn(mark: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(mark, 'utf8'))
    return typeof holder === 'object' && holder !== null ? (holder as Holder) : undefined
  } catch {
    return undefined
  }
}
