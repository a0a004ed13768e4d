import { seriousFindings } from '@telegram-backup/test-support/browser/accessibility.ts'
import type { Page } from '@telegram-backup/test-support/browser/watched-pages.ts'
import { describe, expect } from 'vitest'
import { type Samples, samplesTest } from '#test/page/samples.ts'

const it = samplesTest()

/** Where something opens, and the buttons and entries of menus that open it, one after the other. */
interface Opened {
  at: (samples: Samples) => string
  by: readonly (string | RegExp)[]
  /** What opens; a dialog unless given. */
  as?: 'menu' | 'listbox'
}

const AT_BACKUP = ({ backup }: Samples): string => `backups/${backup}`
const AT_BUCKET = ({ bucket }: Samples): string => `buckets/${bucket}`
const DIALOGS: Readonly<Record<string, Opened>> = {
  'colours and language': { at: () => '', by: [/^Language/], as: 'menu' },
  account: { at: () => '', by: [/^Account of/], as: 'menu' },
  password: { at: () => '', by: [/^Account of/, 'Set a password'] },
  passkeys: { at: () => '', by: [/^Account of/, 'Passkeys'] },
  upload: { at: () => 'backups', by: ['Upload a file'] },
  verify: { at: AT_BACKUP, by: ['Verify'] },
  erase: { at: AT_BACKUP, by: ['Erase'] },
  'cancel of a job': { at: ({ running }) => `jobs/${running}`, by: [/^Cancel/] },
  'new schedule': { at: () => 'schedules', by: ['Add a schedule'] },
  'acts of a schedule': { at: () => 'schedules', by: [/^Actions for/], as: 'menu' },
  'change of a schedule': { at: ({ schedule }) => `schedules?change=${schedule}`, by: [] },
  'preview of retention': { at: ({ schedule }) => `schedules?retention=${schedule}`, by: [] },
  'removal of a schedule': { at: () => 'schedules', by: [/^Actions for/, 'Remove'] },
  'new bucket': { at: () => 'buckets', by: ['Make a bucket'] },
  'new door key': { at: AT_BUCKET, by: ['Create a door key'] },
  'revocation of a door key': { at: AT_BUCKET, by: ['Revoke: ann'] },
  'undelete of a bucket': { at: AT_BUCKET, by: ['Back to a moment'] },
  'removal of a bucket': { at: AT_BUCKET, by: ['Remove'] },
  drill: { at: () => 'proof', by: ['Start a drill of shop'] },
  'new person': { at: () => 'people', by: ['Add a person'] },
  'acts for a person': { at: () => 'people', by: ['Acts for Other'], as: 'menu' },
  'change of a person': { at: () => 'people', by: ['Acts for Other', 'Change role or project'] },
  'removal of a person': { at: () => 'people', by: ['Acts for Other', 'Remove'] },
  'new key': { at: () => 'people?tab=keys', by: ['Create a key'] },
}

const nameOf = (name: string | RegExp) => (typeof name === 'string' ? { name, exact: true } : { name })

async function press(page: Page, name: string | RegExp): Promise<void> {
  const button = page.getByRole('button', nameOf(name))
  await button
    .or(page.getByRole('menuitem', nameOf(name)))
    .first()
    .click()
}

describe.for([
  { width: 1_440, theme: 'light' },
  { width: 360, theme: 'dark' },
] as const)('at $width px, $theme', look => {
  it('each dialog and menu can be used by everybody, fits, and closes with Escape', async ({
    site,
    samples,
    pages,
  }) => {
    await site.signIn('Other', 'viewer')
    const cookies = await site.signIn(`Visitor ${look.width}`)
    const page = await pages.open(site.url, { ...look, cookies })
    const found: Record<string, unknown> = {}
    for (const [name, { at, by, as = 'dialog' }] of Object.entries(DIALOGS)) {
      await page.goto(new URL(at(samples), site.url).href)
      for (const button of by) await press(page, button)
      const opened = page.getByRole(as)
      await opened.waitFor()
      await expect.poll(() => page.getByRole('progressbar', { name: 'Loading' }).count()).toBe(0)
      const findings = await seriousFindings(page)
      const isNamed = as === 'menu' || (await page.getByRole(as, { name: /./ }).count()) === 1
      const box = await opened.boundingBox()
      const isInside = box !== null && box.x >= 0 && box.x + box.width <= look.width
      await page.keyboard.press('Escape')
      await expect.poll(() => opened.count(), { message: name }).toBe(0)
      if (findings.length > 0 || !isNamed || !isInside) found[name] = { findings, isNamed, box }
    }
    expect(found).toEqual({})
  })
})

it('who is asked again who they are is asked in a dialog that everybody can use', async ({ site, pages }) => {
  const page = await pages.open(site.url, { width: 360, theme: 'dark', mayReport: /status of 4/ })
  await page.goto(await site.invite('Asked'))
  await page.getByLabel('Password', { exact: true }).fill('copper lantern otter brisk')
  expect(await seriousFindings(page)).toEqual([])
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('navigation').waitFor({ state: 'attached' })
  await site.ageFactors()
  await page.goto(new URL('people?tab=keys', site.url).href)
  await press(page, 'Create a key')
  await page.getByRole('textbox', { name: 'Name' }).fill('a script')
  await press(page, 'Create')
  const again = page.getByRole('dialog', { name: 'Is it you?' })
  await again.waitFor()
  expect(await seriousFindings(page)).toEqual([])
  await again.getByLabel('Password', { exact: true }).fill('copper lantern otter brisk')
  await again.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('dialog', { name: 'Key a script' }).waitFor()
  expect(await seriousFindings(page)).toEqual([])
})
