import type { Page } from '@telegram-backup/test-support/browser/watched-pages.ts'

/** A screen, and the way to it. */
interface Screen {
  /** Of the picture. */
  name: string
  open(page: Page, base: URL): Promise<unknown>
  signedOut?: boolean
}

const at =
  (path: string) =>
  (page: Page, base: URL): Promise<unknown> =>
    page.goto(new URL(path, base).href)

/** The newest backup of the shop. */
async function openBackup(page: Page, base: URL): Promise<void> {
  await page.goto(new URL('backups?project=shop', base).href)
  await page.locator('#content table a[href*="backups/"]').first().click()
  await page.getByRole('button', { name: 'Restore', exact: true }).waitFor()
}

/** The assistant, after so many steps. */
const openAssistant = (steps: number) => async (page: Page, base: URL) => {
  await openBackup(page, base)
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  for (let step = 1; step <= steps; step += 1) {
    await page.getByRole('heading', { name: `Step ${step} of 4` }).waitFor()
    await page.getByRole('button', { name: 'Continue', disabled: false }).click()
  }
  await page.getByRole('heading', { name: `Step ${steps + 1} of 4` }).waitFor()
}

/** The first thing of a table that has a page of its own. */
const firstOf = (path: string, link: string) => async (page: Page, base: URL) => {
  await page.goto(new URL(path, base).href)
  await page.locator(`#content a[href*="${link}"]`).first().click()
  await page.waitForURL(url => url.pathname.includes(link))
}

/** In the order of the navigation. */
export const SCREENS: readonly Screen[] = [
  { name: 'overview', open: at('') },
  { name: 'backups', open: at('backups') },
  { name: 'calendar', open: at('backups?calendar=true') },
  { name: 'backup', open: openBackup },
  { name: 'restore-where', open: openAssistant(0) },
  { name: 'restore-plan', open: openAssistant(1) },
  { name: 'restore-confirm', open: openAssistant(2) },
  { name: 'jobs', open: at('jobs') },
  { name: 'job', open: firstOf('jobs?kind=drill', '/jobs/') },
  { name: 'schedules', open: at('schedules') },
  { name: 'sources', open: at('sources') },
  { name: 'source', open: firstOf('sources', '/sources/') },
  { name: 'buckets', open: at('buckets') },
  { name: 'bucket', open: firstOf('buckets', '/buckets/') },
  { name: 'proof', open: at('proof') },
  { name: 'drill', open: firstOf('proof', '/proof/') },
  { name: 'people', open: at('people') },
  { name: 'keys', open: at('people?tab=keys') },
  { name: 'sessions', open: at('people?tab=sessions') },
  { name: 'audit', open: at('audit') },
  { name: 'sign-in', open: at('sign-in'), signedOut: true },
]
