import { readFile } from 'node:fs/promises'
import { seriousFindings } from '@telegram-backup/test-support/browser/accessibility.ts'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest()

it('a file of a directory is found by its folder, and comes as it was', async ({ site, pages }) => {
  const backup = await site.backUp('uploads')
  const page = await pages.open(site.url, { width: 360, cookies: await site.signIn('Finder') })
  await page.goto(new URL(`backups/${backup}`, site.url).href)
  await page.getByRole('button', { name: 'Show the files' }).click()
  // The only folder opens by itself.
  const link = page.getByRole('link', { name: 'Download photos/cat.txt' })
  await link.waitFor()
  expect(await seriousFindings(page)).toEqual([])
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
  expect(download.suggestedFilename()).toBe('cat.txt')
  expect(await readFile(await download.path(), 'utf8')).toBe('a cat\n'.repeat(1_000))

  await page.getByRole('button', { name: 'photos/' }).click()
  await page.getByRole('textbox', { name: 'Part of a name' }).fill('CAT')
  await page.keyboard.press('Enter')
  await page.getByText('photos/cat.txt', { exact: true }).waitFor()
})

it('somebody who may only look is told why the files are not shown', async ({ site, pages }) => {
  const backup = await site.backUp('uploads')
  const page = await pages.open(site.url, { cookies: await site.signIn('Looker', 'viewer') })
  await page.goto(new URL(`backups/${backup}`, site.url).href)
  await page.getByText('only with the role restorer', { exact: false }).first().waitFor()
  expect(await page.getByRole('button', { name: 'Show the files' }).count()).toBe(0)
})
