import { seriousFindings } from '@telegram-backup/test-support/browser/accessibility.ts'
import { pageTest } from '@telegram-backup/test-support/browser/page-test.ts'
import { openSite } from '@telegram-backup/test-support/browser/site.ts'
import { describe, expect } from 'vitest'

const it = pageTest
  .extend('site', { scope: 'file' }, async ({}, { onCleanup }) => {
    const site = await openSite({ withServer: true })
    onCleanup(site.close)
    return site
  })
  .extend('samples', { scope: 'file' }, async ({ site }) => {
    const backup = await site.backUp('shop')
    await site.backUp('uploads')
    await site.backUp('logs')
    const { id: job } = await site.ask<{ id: string }>(`backups/${backup}/verify`, { drill: true })
    await site.ended(job)
    const { items } = await site.ask<{ items: { id: string }[] }>('drills')
    return { backup, job, drill: items[0]?.id ?? '' }
  })

/** Every screen, as its address below the page. */
const SCREENS: Readonly<Record<string, (samples: { backup: string; job: string; drill: string }) => string>> =
  {
    Overview: () => '',
    Backups: () => 'backups',
    'a backup': ({ backup }) => `backups/${backup}`,
    'the assistant': ({ backup }) => `backups/${backup}/restore`,
    Jobs: () => 'jobs',
    'a job': ({ job }) => `jobs/${job}`,
    Schedules: () => 'schedules',
    Sources: () => 'sources',
    Proof: () => 'proof',
    'a drill': ({ drill }) => `proof/${drill}`,
    People: () => 'people',
    Audit: () => 'audit',
    'the sign-in': () => 'sign-in',
    'a link': () => 'link',
    nothing: () => 'nothing/here',
  }

describe.for([
  { width: 1_440, theme: 'light' },
  { width: 1_440, theme: 'dark' },
  { width: 360, theme: 'light' },
  { width: 360, theme: 'dark' },
] as const)('at $width px, $theme', look => {
  it('each screen works, fits, and can be used by everybody', async ({ site, samples, pages }) => {
    const cookies = await site.signIn(`Visitor ${look.width} ${look.theme}`)
    const page = await pages.open(site.url, { ...look, cookies })
    const found: Record<string, unknown> = {}
    for (const [name, addressOf] of Object.entries(SCREENS)) {
      await page.goto(new URL(addressOf(samples), site.url).href)
      await page.locator('h1, h2').first().waitFor()
      await page.waitForLoadState('networkidle')
      const findings = await seriousFindings(page)
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      const isTooWide = Number(wide) > look.width
      if (findings.length > 0 || isTooWide) found[name] = { findings, ...(isTooWide && { wide }) }
    }
    expect(found).toEqual({})
  })
})
