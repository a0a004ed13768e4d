/** So long after a person has done something, what the page asks for is taken for something that they do. */
const ATTENDED_MS = 60_000
const SIGNS = ['pointerdown', 'keydown', 'wheel', 'touchstart'] as const

let lastSign = 0

/**
 * Notes what somebody does on the page. A tab that nobody looks at asks for news for days, and must not keep
 * its session alive by that.
 */
export function watchAttention(page: EventTarget): void {
  const note = (): void => {
    lastSign = performance.now()
  }
  // Opening the page is a sign as well.
  note()
  for (const sign of SIGNS) page.addEventListener(sign, note, { capture: true, passive: true })
}

export function isAttended(): boolean {
  return performance.now() - lastSign < ATTENDED_MS
}
