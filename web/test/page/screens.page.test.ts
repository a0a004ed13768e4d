import { seriousFindings } from '@telegram-backup/test-support/browser/accessibility.ts'
import { describe, expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest({ withServer: true }).extend('samples', { scope: 'file' }, async ({ site }) => {
  const backup = await site.backUp('shop')
  await site.backUp('uploads')
  await site.backUp('logs')
  const { job_id: job } = await site.ask<{ job_id: string }>(`backups/${backup}/verify`, { drill: true })
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
      await expect.poll(() => page.getByRole('progressbar', { name: 'Loading' }).count()).toBe(0)
      const findings = await seriousFindings(page)
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      const isTooWide = Number(wide) > look.width
      if (findings.length > 0 || isTooWide) found[name] = { findings, ...(isTooWide && { wide }) }
    }
    expect(found).toEqual({})
  })
})

it('the first load has at most 200 kB of script, and paints soon after the document is there', async ({
  site,
  pages,
}) => {
  const page = await pages.open(site.url, { cookies: await site.signIn('First') })
  const scripts: Promise<number>[] = []
  page.on('requestfinished', request => {
    if (request.resourceType() === 'script')
      scripts.push(request.sizes().then(({ responseBodySize }) => responseBodySize))
  })
  const began = performance.now()
  await page.goto(site.url, { waitUntil: 'commit' })
  const document = performance.now() - began
  await page.getByRole('status').first().waitFor()
  const useful = performance.now() - began
  const bytes = (await Promise.all(scripts)).reduce((sum, size) => sum + size, 0)
  console.info(
    `script: ${bytes} bytes; document after ${document.toFixed(0)} ms, first sentence after ${useful.toFixed(0)} ms: ${(useful / document).toFixed(1)} times`,
  )
  expect(bytes).toBeGreaterThan(50_000)
  expect(bytes).toBeLessThanOrEqual(200_000)
})
