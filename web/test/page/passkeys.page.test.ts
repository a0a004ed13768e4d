import type { CDPSession, Page } from 'playwright-core'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest()
const PASSWORD = 'a long enough password'
/** What Chromium says of each answer that refuses. */
const REFUSED = /Failed to load resource: the server responded with a status of 4/

/** A device that keeps passkeys, and whose owner always agrees. */
async function addDevice(page: Page): Promise<{ session: CDPSession; id: string }> {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  const { authenticatorId: id } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  })
  return { session, id }
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

async function openPasskeys(page: Page, menu: string): Promise<void> {
  await page.getByRole('button', { name: menu, exact: true }).click()
  await page.getByRole('menuitem', { name: 'Passkeys' }).click()
  await page.getByRole('dialog', { name: 'Passkeys' }).waitFor()
}

it('a person adds a passkey, signs in with it, and proves with it again who they are', async ({
  site,
  pages,
}) => {
  const here = site.url.replace('127.0.0.1', 'localhost')
  const page = await pages.open(here, { mayReport: REFUSED })
  const device = await addDevice(page)
  await page.goto((await site.invite('Vera', 'admin')).replace('127.0.0.1', 'localhost'))
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await button(page, 'Sign in').click()
  await page.getByRole('navigation').waitFor()
  await openPasskeys(page, 'Account of Vera')
  await page.getByLabel('Name of the passkey').fill('My <b>laptop</b>')
  await button(page, 'Add a passkey').click()
  await page.getByRole('cell', { name: 'My <b>laptop</b>', exact: true }).waitFor()
  const { credentials } = await device.session.send('WebAuthn.getCredentials', { authenticatorId: device.id })
  expect(credentials).toMatchObject([{ isResidentCredential: true, rpId: 'localhost' }])
  // A second one on the same device would be the same.
  await button(page, 'Add a passkey').click()
  await page.getByText('This device has a passkey of yours already').waitFor()

  // Without a cookie, as after signing out.
  await page.context().clearCookies()
  const sent = page.waitForRequest(request => request.method() === 'POST' && /session$/.test(request.url()))
  await page.goto(`${here}sign-in?to=/people`)
  await button(page, 'Use a passkey').click()
  await page.getByRole('heading', { name: 'People' }).waitFor()
  const whoami = await page.request.get(`${here}api/v1/whoami`)
  expect(await whoami.json()).toMatchObject({ who: 'Vera', factors: ['passkey'] })

  // What was sent is of no use to whoever saw it.
  const replay = await fetch(`${here}api/v1/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin' },
    body: (await sent).postData(),
  })
  expect([replay.status, replay.headers.getSetCookie()]).toEqual([401, []])

  // Six minutes later, an act asks who it is.
  await site.ageFactors()
  await openPasskeys(page, 'Account of Vera')
  await button(page, 'Remove the passkey My <b>laptop</b>').click()
  await page.getByRole('dialog', { name: 'Is it you?' }).waitFor()
  await page
    .getByRole('dialog', { name: 'Is it you?' })
    .getByRole('button', { name: 'Use a passkey' })
    .click()
  await page.getByText('You have no passkeys yet').waitFor()

  // The device has it still, the service no longer.
  await page.context().clearCookies()
  await page.goto(`${here}sign-in`)
  await button(page, 'Use a passkey').click()
  await page.getByRole('alert').getByText('This passkey was not accepted').waitFor()
  expect(await page.context().cookies()).toEqual([])
})

it('a device that does not know its owner is refused, and an address without a name says why', async ({
  site,
  pages,
}) => {
  const here = site.url.replace('127.0.0.1', 'localhost')
  const page = await pages.open(here, { mayReport: REFUSED })
  const { session, id } = await addDevice(page)
  await session.send('WebAuthn.setUserVerified', { authenticatorId: id, isUserVerified: false })
  await page.goto(`${here}sign-in`)
  await button(page, 'Use a passkey').click()
  await page.getByRole('alert').getByText('No passkey was given').waitFor()

  const literal = await pages.open(site.url, { mayReport: REFUSED })
  await literal.goto(`${site.url}sign-in`)
  await literal.getByText('Passkeys need a name in the address').waitFor()
  expect(await button(literal, 'Use a passkey').count()).toBe(0)
})
