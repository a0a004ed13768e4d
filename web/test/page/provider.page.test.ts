import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest({ withProvider: true })
/** What Chromium says of each answer that refuses. */
const REFUSED = /Failed to load resource: the server responded with a status of 4/
const CODE = /\/sign-in\/sso\?.*\bcode=/

it('a person signs in at a provider, proves it there once more, and is out when it gives no role', async ({
  site,
  pages,
}) => {
  const { provider } = site
  if (provider === undefined) throw new Error('There is no provider')
  provider.account = { sub: 'ann', preferred_username: 'ann', groups: ['admins'] }
  const page = await pages.open(site.url, { mayReport: REFUSED, mayVisit: provider.issuer })
  const comingBack = () =>
    page.waitForRequest(request => request.isNavigationRequest() && CODE.test(request.url()))
  const cameBack = comingBack()
  const sent = page.waitForRequest(request => request.method() === 'POST' && /session$/.test(request.url()))
  await page.goto(`${site.url}sign-in?to=/people?tab=keys`)
  await page.getByRole('button', { name: 'Continue with Example SSO' }).click()
  await page.getByRole('heading', { name: 'People' }).waitFor()
  expect(page.url()).toBe(`${site.url}people?tab=keys`)
  // No step of the way back has what the provider has put into the address, and neither has a referrer.
  await page.goBack()
  expect(page.url()).not.toMatch(CODE)
  expect((await cameBack).headers()['cookie']).toBeUndefined()
  expect((await (await sent).allHeaders())['referer']).toBeUndefined()
  const whoami = await page.request.get(`${site.url}api/v1/whoami`)
  expect(await whoami.json()).toMatchObject({ who: 'ann@sso', role: 'admin', factors: ['oidc'] })
  // The provider decides who comes in: there is no password beside it.
  await page.goto(`${site.url}people`)
  await page.getByRole('button', { name: 'Account of ann@sso' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
  expect(await page.getByRole('menuitem', { name: /password/i }).count()).toBe(0)
  await page.keyboard.press('Escape')

  // What another browser would have seen of it signs nobody in.
  const other = await pages.open(site.url, { mayReport: REFUSED })
  await other.goto((await cameBack).url())
  await other.getByRole('heading', { name: 'You are not signed in' }).waitFor()
  expect(await other.context().cookies()).toEqual([])

  await site.ageFactors()
  const add = async (name: string): Promise<void> => {
    await page.getByRole('button', { name: 'Add a person' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill(name)
    await page.getByRole('button', { name: 'Add and make a link' }).click()
  }
  await add('Ben')
  const again = page.getByRole('dialog', { name: 'Is it you?' })
  expect(await again.textContent()).not.toMatch(/password/i)
  const cameBackAgain = comingBack()
  await again.getByRole('button', { name: /^Prove it at Example SSO/ }).click()
  await cameBackAgain
  await page.waitForURL(`${site.url}people`)
  expect(provider.visits.at(-1)?.get('prompt')).toBe('login')
  await add('Ben')
  await page.getByLabel('One-time link').waitFor()

  provider.account = { ...provider.account, groups: ['guests'] }
  const later = await pages.open(site.url, { mayReport: REFUSED, mayVisit: provider.issuer })
  await later.goto(site.url)
  await later.getByRole('button', { name: 'Continue with Example SSO' }).click()
  await later.getByText('Your account at Example SSO has no role here').waitFor()
  await page.goto(`${site.url}people`)
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
})
