import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startChromium } from '@telegram-backup/test-support/browser/chromium.ts'
import type { Page } from '@telegram-backup/test-support/browser/watched-pages.ts'
import { SCREENS } from '#screenshots/screens.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'page')
/** Of a picture, in pixels: the wide one is a laptop's, the narrow one a phone's. */
const WIDTHS = { wide: 1_440, narrow: 360 }
const THEMES = ['light', 'dark'] as const
/** A longer screen is cut below: a picture is to be looked at. */
const MOST_HEIGHT = { wide: 1_400, narrow: 1_600 }
const QUALITY = 80

type Browser = Awaited<ReturnType<typeof startChromium>>
type SignedIn = Awaited<ReturnType<ReturnType<Page['context']>['storageState']>>
type Width = keyof typeof WIDTHS

/**
 * Goes through the sample as a person would, and writes a picture of each screen in both widths and themes to
 * `docs/page`.
 * @param link signs in, and is used up
 * @param wanted names of screens; none means all
 */
export async function takePictures(link: string, wanted: readonly string[]): Promise<void> {
  const isWanted = ({ name }: { name: string }): boolean => wanted.length === 0 || wanted.includes(name)
  await mkdir(FOLDER, { recursive: true })
  const browser = await startChromium()
  try {
    const state = await signIn(browser, { link, isWanted: isWanted({ name: 'link' }) })
    for (const width of Object.keys(WIDTHS) as Width[]) {
      for (const theme of THEMES) {
        const context = await browser.newContext({ ...lookOf(width, theme), storageState: state })
        const page = await context.newPage()
        for (const { name, open, signedOut } of SCREENS.filter(isWanted)) {
          if (signedOut) await context.clearCookies()
          await open(page, new URL('./', link))
          await take(page, { name, width, theme })
        }
        await context.close()
      }
    }
  } finally {
    await browser.close()
  }
}

function lookOf(width: Width, theme: (typeof THEMES)[number]) {
  return {
    viewport: { width: WIDTHS[width], height: 900 },
    colorScheme: theme,
    reducedMotion: 'reduce' as const,
    locale: 'en-GB',
  }
}

/** The link is looked at in each look before it is used. */
async function signIn(
  browser: Browser,
  { link, isWanted }: { link: string; isWanted: boolean },
): Promise<SignedIn> {
  for (const width of Object.keys(WIDTHS) as Width[]) {
    for (const theme of THEMES) {
      const page = await browser.newPage(lookOf(width, theme))
      await page.goto(link)
      if (isWanted) await take(page, { name: 'link', width, theme })
      await page.context().close()
    }
  }
  const page = await browser.newPage(lookOf('wide', 'light'))
  await page.goto(link)
  await page.getByLabel('Password', { exact: true }).fill(randomBytes(12).toString('base64url'))
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('button', { name: 'Back up now' }).first().waitFor()
  return await page.context().storageState()
}

async function take(page: Page, of: { name: string; width: Width; theme: string }): Promise<void> {
  await page.locator('h1, h2').first().waitFor()
  const loading = page.getByRole('progressbar', { name: 'Loading' })
  while ((await loading.count()) > 0) await loading.first().waitFor({ state: 'detached' })
  const full = Number(await page.evaluate('document.documentElement.scrollHeight'))
  const devtools = await page.context().newCDPSession(page)
  const { data } = await devtools.send('Page.captureScreenshot', {
    format: 'webp',
    quality: QUALITY,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width: WIDTHS[of.width], height: Math.min(full, MOST_HEIGHT[of.width]), scale: 1 },
  })
  await devtools.detach()
  await writeFile(join(FOLDER, `${of.name}-${of.width}-${of.theme}.webp`), data, 'base64')
}
