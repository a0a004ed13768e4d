import { randomUUID } from 'node:crypto'
import type { Page } from '@telegram-backup/test-support/browser/watched-pages.ts'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest()
const PASSWORD = 'copper lantern otter brisk'
/** What Chromium says of each answer that refuses. */
const REFUSED = /Failed to load resource: the server responded with a status of 4/

async function signInByLink(page: Page, link: string): Promise<void> {
  await page.goto(link)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('navigation').waitFor()
}

it('an administrator who proves again who they are lets somebody in, who may do no more than their role', async ({
  site,
  pages,
}) => {
  const page = await pages.open(site.url, { mayReport: REFUSED })
  await signInByLink(page, await site.invite('Ada'))
  await site.ageFactors()
  await page.getByRole('link', { name: 'People' }).click()
  await page.getByRole('button', { name: 'Add a person' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(`Viktor ${randomUUID().slice(0, 8)}`)
  await page.getByRole('button', { name: 'Add and make a link' }).click()
  const again = page.getByRole('dialog', { name: 'Is it you?' })
  await again.getByLabel('Password', { exact: true }).fill('not this one, surely')
  await again.getByRole('button', { name: 'Continue' }).click()
  await again.getByRole('alert').waitFor()
  await again.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await again.getByRole('button', { name: 'Continue' }).click()
  const link = await page.getByLabel('One-time link').inputValue()
  expect(link.startsWith(`${site.url}link#`)).toBe(true)

  const viewer = await pages.open(site.url, { mayReport: REFUSED })
  await signInByLink(viewer, link)
  const names = await viewer.getByRole('navigation').getByRole('link').allInnerTexts()
  expect(names).not.toContain('People')
  await viewer.goto(new URL('people', site.url).href)
  await viewer.getByText('Your role does not allow this').waitFor()
})

it('who signs out is signed out in all tabs, and the way back shows nothing', async ({ site, pages }) => {
  const page = await pages.open(site.url, { mayReport: REFUSED })
  await signInByLink(page, await site.invite('Grace'))
  const other = await pages.openTab(page)
  await other.goto(new URL('people?tab=sessions', site.url).href)
  await other.getByText('this session').waitFor()
  await page.getByRole('link', { name: 'Sources' }).click()
  await page.getByRole('heading', { name: 'Sources' }).waitFor()

  await page.getByRole('button', { name: 'Account of Grace' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  for (const tab of [page, other]) {
    await tab.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
    expect(await tab.getByText('Grace').count()).toBe(0)
  }
  expect(await page.context().cookies()).toEqual([])
  await page.goBack()
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
  expect(await page.getByRole('navigation').count()).toBe(0)
})

it('who wanted a screen before signing in comes to it, and to no other site', async ({ site, pages }) => {
  const link = await site.invite('Lin')
  await signInByLink(await pages.open(site.url), link)
  for (const [wanted, expected] of [
    ['proof?state=failed', 'proof?state=failed'],
    ['sign-in?to=//evil.example/', ''],
    ['sign-in?to=https://evil.example/', ''],
  ] as const) {
    const page = await pages.open(site.url, { mayReport: REFUSED })
    await page.goto(new URL(wanted, site.url).href)
    await page.getByRole('textbox', { name: 'Name' }).fill('LIN')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('navigation').waitFor()
    expect(page.url()).toBe(new URL(expected, site.url).href)
  }
})
