import type { Locator, Page } from '@telegram-backup/test-support/browser/watched-pages.ts'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest({ withServer: true })
const MOST_TABS = 200
/** The focus is not beside the screen, as it would be in the closed navigation of a phone. */
const IS_FOCUS_SEEN = `(() => {
  const { left, right } = document.activeElement.getBoundingClientRect()
  return right > 0 && left < innerWidth
})()`

/** Goes on with the key Tab until the element has the focus. */
async function tabTo(page: Page, element: Locator): Promise<void> {
  await element.waitFor()
  for (let pressed = 0; pressed < MOST_TABS; pressed += 1) {
    if (await element.evaluate(found => found === found.ownerDocument.activeElement)) return
    await page.keyboard.press('Tab')
    await expect.poll(() => page.evaluate(IS_FOCUS_SEEN)).toBe(true)
  }
  throw new Error(`The key Tab does not lead to ${element}`)
}

async function press(page: Page, element: Locator): Promise<void> {
  await tabTo(page, element)
  await page.keyboard.press('Enter')
}

it.for([360, 1_440])(
  'a backup is restored at %i px by the keyboard alone, and goes on when the tab is closed',
  async (width, { site, pages }) => {
    await site.server?.sql('postgres', 'drop database if exists staging')
    const backup = await site.backUp('shop')
    const page = await pages.open(site.url, { width, cookies: await site.signIn(`Kim ${width}`) })
    await page.goto(site.url)
    if (width === 360) await press(page, page.getByRole('button', { name: 'Open navigation' }))
    await press(page, page.getByRole('link', { name: 'Backups', exact: true }))
    await press(page, page.locator(`#content a[href*="${backup}"]`).first())
    await press(page, page.getByRole('button', { name: 'Restore', exact: true }))
    await press(page, page.getByRole('button', { name: 'Continue' }))
    await page.getByRole('heading', { name: 'What will happen' }).waitFor()
    await press(page, page.getByRole('button', { name: 'Continue', disabled: false }))

    const name = page.getByRole('textbox', { name: 'Type the name of the target to confirm' })
    await tabTo(page, name)
    await page.keyboard.type('production')
    await page.keyboard.press('Enter')
    await page.getByText('This is not the name of the target').waitFor()
    expect(await site.server?.databases()).not.toContain('staging')

    await tabTo(page, name)
    await page.keyboard.press('Control+A')
    await page.keyboard.type('staging')
    await page.keyboard.press('Enter')
    const job = await page.getByRole('link', { name: 'Open the job' }).getAttribute('href')
    const later = await pages.openTab(page)
    await page.close()

    const id = /jobs\/([0-9a-f-]{36})/.exec(job ?? '')?.[1] ?? ''
    expect((await site.ended(id)).state).toBe('done')
    await later.goto(new URL(`jobs/${id}`, site.url).href)
    await later.getByText('Done', { exact: true }).first().waitFor()
    expect(await site.server?.sql('staging', 'select count(*) from orders')).toBe('500')
  },
)
