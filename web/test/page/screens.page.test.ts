import { seriousFindings } from '@telegram-backup/test-support/browser/accessibility.ts'
import type { Page } from '@telegram-backup/test-support/browser/watched-pages.ts'
import { expect } from 'vitest'
import { type Samples, samplesTest } from '#test/page/samples.ts'

const it = samplesTest().extend('visitor', { scope: 'file' }, ({ site }) => site.signIn('Visitor'))

/** Every screen, and each way in which it looks different, by the address below the page. */
const SCREENS: Readonly<Record<string, (samples: Samples) => string>> = {
  Overview: () => '',
  Backups: () => 'backups',
  'Backups, none': () => 'backups?project=nothing',
  'a backup': ({ backup }) => `backups/${backup}`,
  'the assistant: target': ({ backup }) => `backups/${backup}/restore`,
  'the assistant: plan': ({ backup }) => `backups/${backup}/restore?target=staging`,
  'the assistant: confirm': ({ backup }) => `backups/${backup}/restore?target=staging&step=confirm`,
  'the assistant: started': ({ backup, done }) => `backups/${backup}/restore?target=staging&job=${done}`,
  Jobs: () => 'jobs',
  'a job that is done': ({ done }) => `jobs/${done}`,
  'a job that failed': ({ failed }) => `jobs/${failed}`,
  'a job that runs': ({ running }) => `jobs/${running}`,
  Schedules: () => 'schedules',
  Sources: () => 'sources',
  'a source': () => 'sources/shop',
  Buckets: () => 'buckets',
  'a bucket': ({ bucket }) => `buckets/${bucket}`,
  Proof: () => 'proof',
  'a drill': ({ drill }) => `proof/${drill}`,
  People: () => 'people',
  Keys: () => 'people?tab=keys',
  Sessions: () => 'people?tab=sessions',
  Audit: () => 'audit',
  'the sign-in': () => 'sign-in',
  'a link': () => `link#${'x'.repeat(43)}`,
  'a link without its token': () => 'link',
  nothing: () => 'nothing/here',
}
const LISTS = ['', 'backups', 'jobs', 'schedules', 'sources', 'buckets', 'proof', 'people', 'audit']

/** Resolves when nothing loads any longer. */
async function shown(page: Page): Promise<void> {
  await page.locator('h1, h2, [role="alert"]').first().waitFor()
  await expect.poll(() => page.getByRole('progressbar', { name: 'Loading' }).count()).toBe(0)
}

/** Changes the theme of the system, which the page follows. */
async function chooseTheme(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme })
  await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor()
}

/** A busy machine draws the colours of the other theme some frames later. */
async function nothingFound(page: Page, message: string, rules?: readonly string[]): Promise<void> {
  await expect.poll(() => seriousFindings(page, rules), { message, timeout: 20_000 }).toEqual([])
}

/** Chooses a language as another tab of the person would. */
async function chooseLanguage(page: Page, language: string): Promise<void> {
  await page.evaluate(`dispatchEvent(new StorageEvent('storage',
    { key: 'telegram-backup language', newValue: '${language}', storageArea: localStorage }))`)
  await page.locator(`html[lang="${language}"]`).waitFor()
}

const widthOf = async (page: Page): Promise<number> =>
  Number(await page.evaluate('document.documentElement.scrollWidth'))

it.for(Object.entries(SCREENS))(
  '%s works, fits and can be read by everybody: wide and narrow, light and dark, in each language',
  async ([, addressOf], { site, samples, visitor, pages }) => {
    const page = await pages.open(site.url, { cookies: visitor })
    await page.goto(new URL(addressOf(samples), site.url).href)
    await shown(page)
    for (const [width, first, second] of [
      [1_440, 'light', 'dark'],
      [360, 'dark', 'light'],
    ] as const) {
      await page.setViewportSize({ width, height: 900 })
      await chooseTheme(page, first)
      await nothingFound(page, `${width} px, ${first}`)
      await chooseTheme(page, second)
      await nothingFound(page, `${width} px, ${second}`, ['color-contrast'])
      expect(await widthOf(page)).toBeLessThanOrEqual(width)
    }
    for (const language of ['de', 'ru']) {
      await chooseLanguage(page, language)
      expect(await widthOf(page), language).toBeLessThanOrEqual(360)
    }
  },
)

it('a screen whose data cannot be had says so, and shows it when it is asked again', async ({
  site,
  samples,
  pages,
}) => {
  const cookies = await site.signIn('Unlucky')
  const page = await pages.open(site.url, { cookies, mayReport: /status of 503/ })
  const failing = /\/api\/v1\/(?!whoami|events|session)/
  for (const path of [
    ...LISTS,
    `backups/${samples.backup}`,
    `jobs/${samples.done}`,
    `proof/${samples.drill}`,
    `buckets/${samples.bucket}`,
  ]) {
    await page.route(failing, route =>
      route.fulfill({ status: 503, json: { detail: 'The catalog is away' } }),
    )
    await page.goto(new URL(path, site.url).href)
    const alerts = page.getByRole('alert').filter({ hasText: 'This could not be loaded' })
    await alerts.first().waitFor()
    expect(await seriousFindings(page), path).toEqual([])
    await page.unroute(failing)
    // Each asks for what it is about.
    for (const alert of (await alerts.all()).toReversed())
      await alert.getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => alerts.count(), { message: path }).toBe(0)
  }
})

it('somebody who may only look is told so, and finds no act that they may not do', async ({
  site,
  samples,
  pages,
}) => {
  const page = await pages.open(site.url, { cookies: await site.signIn('Wim', 'viewer') })
  for (const path of ['people', 'audit', `backups/${samples.backup}/restore`]) {
    await page.goto(new URL(path, site.url).href)
    await shown(page)
    if (path === 'people') await page.getByRole('heading', { name: 'My sessions' }).waitFor()
    else await page.getByText('Your role does not allow this').waitFor()
    expect(await seriousFindings(page), path).toEqual([])
  }
  await page.goto(new URL(`backups/${samples.backup}`, site.url).href)
  await shown(page)
  for (const name of ['Restore', 'Verify', 'Download', 'Erase'])
    expect(await page.getByRole('button', { name, exact: true }).isDisabled(), name).toBe(true)
  await page.goto(site.url)
  await shown(page)
  await page.getByRole('table').first().waitFor()
  expect(await page.getByRole('button', { name: 'Back up now' }).count()).toBe(0)
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
  // All that the screen needs, with what it fetches after its first sentence.
  await page.getByRole('button', { name: 'Back up now' }).first().waitFor()
  await expect.poll(() => page.getByRole('progressbar', { name: 'Loading' }).count()).toBe(0)
  const bytes = (await Promise.all(scripts)).reduce((sum, size) => sum + size, 0)
  console.info(
    `script: ${bytes} bytes; document after ${document.toFixed(0)} ms, first sentence after ${useful.toFixed(0)} ms: ${(useful / document).toFixed(1)} times`,
  )
  expect(bytes).toBeGreaterThan(50_000)
  expect(bytes).toBeLessThanOrEqual(200_000)
})
