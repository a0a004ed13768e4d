import type { NotificationData } from '@mantine/notifications'
import { useSyncExternalStore } from 'react'

// What shows notices is fetched with the first of them: nothing is said before somebody does something.

let isWanted = false
const watchers = new Set<() => void>()

/** Says how something went, in a corner of the page. The text is shown as it is: see `visibleText`. */
export function say(notice: NotificationData): void {
  isWanted = true
  for (const watcher of watchers) watcher()
  // A notice that cannot be fetched was of a server that is away: the frame says so.
  import('@mantine/notifications').then(({ notifications }) => notifications.show(notice), ignore)
}

/** Whether there ever was a notice. */
export function useIsNoticeWanted(): boolean {
  return useSyncExternalStore(watch, () => isWanted)
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

function ignore(): void {}
