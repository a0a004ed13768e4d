import { openProxy } from '@telegram-backup/test-support/browser/proxy.ts'
import type { Site } from '@telegram-backup/test-support/browser/site.ts'
import type { Page } from '@telegram-backup/test-support/browser/watched-pages.ts'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest()
const EVENTS = '/api/v1/events'
/** What Chromium says of a server that cannot be reached. */
const LOST = /net::ERR_|Failed to load resource/

const live = (page: Page, state: string): Promise<void> => page.locator(`[data-live="${state}"]`).waitFor()
const rows = (page: Page): Promise<number> => page.locator('#content a[href*="/backups/"]').count()

/** Resolves to their number when all backups are shown. */
async function allRows(site: Site, page: Page): Promise<number> {
  const { items } = await site.ask<{ items: unknown[] }>('backups')
  await expect.poll(() => rows(page)).toBe(items.length)
  return items.length
}

it('ten tabs share one stream, and another one takes it over when its tab is closed', async ({
  site,
  pages,
}) => {
  const proxy = await openProxy(site.way.url)
  try {
    const first = await pages.open(proxy.url, { cookies: await site.signIn('Ten') })
    const tabs = [first]
    while (tabs.length < 10) tabs.push(await pages.openTab(first))
    for (const tab of tabs) {
      await tab.goto(new URL('backups', proxy.url).href)
      await live(tab, 'live')
    }
    expect(proxy.underWay(EVENTS)).toBe(1)

    // Among them the one that has the stream.
    for (const tab of tabs.splice(0, 5)) await tab.close()
    await expect.poll(() => proxy.underWay(EVENTS)).toBe(1)
    await site.backUp('logs')
    for (const tab of tabs) await expect.poll(() => rows(tab)).toBeGreaterThan(0)
    expect(proxy.underWay(EVENTS)).toBe(1)
  } finally {
    await pages.close()
    await proxy.close()
  }
})

it('what happened while the stream was broken is shown when it is back', async ({ site, pages }) => {
  const page = await pages.open(site.url, { cookies: await site.signIn('Cut'), mayReport: LOST })
  await page.goto(new URL('backups', site.url).href)
  await live(page, 'live')
  const before = await allRows(site, page)
  site.way.cut()
  try {
    await live(page, 'interrupted')
    await site.backUp('logs')
    expect(await rows(page)).toBe(before)
  } finally {
    site.way.mend()
  }
  await live(page, 'live')
  await expect.poll(() => rows(page)).toBe(before + 1)
})

it('the page goes on when serve was killed and is started again', async ({ site, pages }) => {
  const page = await pages.open(site.url, { cookies: await site.signIn('Kill'), mayReport: LOST })
  await page.goto(new URL('backups', site.url).href)
  await live(page, 'live')
  const before = await allRows(site, page)
  await site.kill()
  try {
    await live(page, 'interrupted')
  } finally {
    await site.start()
  }
  await site.backUp('logs')
  await live(page, 'live')
  await expect.poll(() => rows(page)).toBe(before + 1)
  // The session outlives the process.
  await page.getByRole('link', { name: 'Jobs', exact: true }).click()
  await page.getByRole('heading', { level: 1 }).waitFor()
})

it('the page works below a path that a proxy takes away, at each depth', async ({ site, pages }) => {
  const proxy = await openProxy(site.way.url, '/backups-page')
  try {
    const id = await site.backUp('logs')
    const page = await pages.open(proxy.url, { cookies: await site.signIn('Below') })
    const outside: string[] = []
    page.on('request', request => {
      if (!request.url().startsWith(proxy.url)) outside.push(request.url())
    })
    await page.goto(proxy.url)
    await page.getByRole('link', { name: 'Backups', exact: true }).click()
    await page.locator(`#content a[href*="${id}"]`).first().click()
    await page.getByRole('button', { name: 'Restore', exact: true }).click()
    await page.waitForURL(new URL(`backups/${id}/restore`, proxy.url).href)
    await page.reload()
    await live(page, 'live')
    await page.getByRole('link', { name: 'Overview', exact: true }).click()
    await page.waitForURL(proxy.url)
    expect(outside).toEqual([])
  } finally {
    await pages.close()
    await proxy.close()
  }
})
