import { useSyncExternalStore } from 'react'

/** What is said in a corner of the page. */
export interface Notice {
  id: number
  /** Shown as it is: see `visibleText`. */
  text: string
  isGood: boolean
}

/** A failure takes longer to read, and may have to be acted on. */
const SHOWN_MS = { good: 6_000, bad: 20_000 }
/** Older ones give way. */
const MOST = 4

let notices: readonly Notice[] = []
let last = 0
const watchers = new Set<() => void>()

/** Says how something went. */
export function say(notice: Omit<Notice, 'id'>): void {
  last += 1
  const id = last
  set([...notices, { ...notice, id }].slice(-MOST))
  setTimeout(() => endNotice(id), notice.isGood ? SHOWN_MS.good : SHOWN_MS.bad)
}

export function endNotice(id: number): void {
  set(notices.filter(notice => notice.id !== id))
}

/** Those that are shown now, the newest last. */
export function useNotices(): readonly Notice[] {
  return useSyncExternalStore(watch, () => notices)
}

function set(next: readonly Notice[]): void {
  notices = next
  for (const watcher of watchers) watcher()
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}
