import { useSyncExternalStore } from 'react'

// Some acts need the password again. The act that was refused waits here until the dialog of the frame has an
// answer, and is then repeated.

let waiting: ((isProven: boolean) => void)[] = []
const watchers = new Set<() => void>()

/** Resolves to whether the person has proven again who they are; false: they did not want to. */
export function askForFactor(): Promise<boolean> {
  return new Promise(resolve => {
    waiting = [...waiting, resolve]
    tell()
  })
}

/** Lets all go on that wait for it. */
export function answerFactor(isProven: boolean): void {
  const answered = waiting
  waiting = []
  tell()
  for (const resolve of answered) resolve(isProven)
}

/** Whether an act waits for the factor. */
export function useIsFactorAsked(): boolean {
  return useSyncExternalStore(watch, () => waiting.length > 0)
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

function tell(): void {
  for (const watcher of watchers) watcher()
}
