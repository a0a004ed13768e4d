import type { Browser } from 'playwright-core'
import { test as base, expect, type TestAPI } from 'vitest'
import { startChromium } from '#browser/chromium.ts'
import { type WatchedPages, watchPages } from '#browser/watched-pages.ts'

/** A test in a real browser. It fails if any of its windows had a fault that {@link WatchedPages} watches for. */
export const pageTest: TestAPI<{ browser: Browser; pages: WatchedPages }> = base
  .extend('browser', { scope: 'file' }, async ({}, { onCleanup }): Promise<Browser> => {
    const browser = await startChromium()
    onCleanup(() => browser.close())
    return browser
  })
  .extend('pages', async ({ browser }, { onCleanup }): Promise<WatchedPages> => {
    const pages = watchPages(browser)
    onCleanup(async () => {
      await pages.close()
      expect(pages.faults).toEqual([])
    })
    return pages
  })
