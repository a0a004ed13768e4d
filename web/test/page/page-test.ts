import { startChromium } from '@telegram-backup/test-support/browser/chromium.ts'
import { openSite } from '@telegram-backup/test-support/browser/site.ts'
import { watchPages } from '@telegram-backup/test-support/browser/watched-pages.ts'
import { test as base, expect } from 'vitest'

/**
 * A test in a real browser, on a running `serve` of its file. It fails if a window had a fault that
 * `watchPages` watches for.
 * @param options of the `serve`; `names`: host names that lead to this machine in the browser
 */
export function pageTest({
  names = [],
  ...options
}: Parameters<typeof openSite>[0] & { names?: readonly string[] } = {}) {
  return (
    base
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs.
      .extend('browser', { scope: 'file' }, async ({}, { onCleanup }) => {
        const browser = await startChromium(rulesFor(names))
        onCleanup(() => browser.close())
        return browser
      })
      // biome-ignore lint/correctness/noEmptyPattern: as above.
      .extend('site', { scope: 'file' }, async ({}, { onCleanup }) => {
        const site = await openSite(options)
        onCleanup(site.close)
        return site
      })
      .extend('pages', async ({ browser }, { onCleanup }) => {
        const pages = watchPages(browser)
        onCleanup(async () => {
          await pages.close()
          expect(pages.faults).toEqual([])
        })
        return pages
      })
  )
}

function rulesFor(names: readonly string[]): string[] {
  if (names.length === 0) return []
  return [`--host-resolver-rules=${names.map(name => `MAP ${name} 127.0.0.1`).join(', ')}`]
}
