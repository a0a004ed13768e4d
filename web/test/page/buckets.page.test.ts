import { findDoorKey } from '@telegram-backup/database'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest()

it('an administrator makes a bucket and a key, which is shown once with what restic needs, and takes both back', async ({
  site,
  pages,
}) => {
  const page = await pages.open(site.url, { cookies: await site.signIn('Ada') })
  await page.goto(site.url)
  await page.getByRole('navigation').getByRole('link', { name: 'Buckets' }).click()
  await page.getByText('No buckets yet').waitFor()
  await page.getByRole('button', { name: 'Make a bucket' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('laptops')
  await page.getByRole('button', { name: 'Make it' }).click()
  await page.getByRole('heading', { name: 'laptops' }).waitFor()

  await page.getByText('Nothing is in it yet').waitFor()
  await page.getByRole('button', { name: 'Create a door key' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('ann')
  await page.getByRole('radio', { name: /^append/ }).check()
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  const lines = await page.getByLabel('For the shell that runs restic').inputValue()
  const [, door, user = '', key = ''] =
    /^export RESTIC_REPOSITORY=rest:(\S+)\nexport RESTIC_REST_USERNAME=(\S+)\nexport RESTIC_REST_PASSWORD=(\S+)\n/.exec(
      lines,
    ) ?? []
  expect(door).toBe(`${site.url}restic/laptops/`)
  expect(await findDoorKey(site.catalog, { user, key })).toMatchObject({ scope: 'append', name: 'ann' })
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
  await page.reload()
  await page.getByRole('cell', { name: user }).waitFor()
  expect(await page.content()).not.toContain(key)

  await page.getByRole('button', { name: 'Revoke: ann' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('cell', { name: 'revoked' }).waitFor()
  expect(await findDoorKey(site.catalog, { user, key })).toBeNull()

  await page.getByRole('button', { name: 'Remove' }).click()
  const removal = page.getByRole('dialog')
  expect(await removal.getByRole('button', { name: 'Remove the bucket' }).isDisabled()).toBe(true)
  await removal.getByRole('checkbox').check()
  await removal.getByRole('button', { name: 'Remove the bucket' }).click()
  await page.getByText('No buckets yet').waitFor()
})

it('somebody who may only look sees the buckets of their project, and neither keys nor acts', async ({
  site,
  pages,
}) => {
  const { id } = await site.ask<{ id: string }>('buckets', { name: 'seen', kind: 'restic' })
  const page = await pages.open(site.url, { cookies: await site.signIn('Wim', 'viewer') })
  await page.goto(site.url)
  await page.getByRole('region', { name: 'Buckets' }).getByRole('link', { name: 'seen' }).click()
  await page.getByRole('heading', { name: 'seen' }).waitFor()
  expect(page.url()).toContain(id)
  expect(await page.getByText('Nothing is in it yet').count()).toBe(0)
  expect(await page.getByRole('button', { name: /Remove|door key|moment/ }).count()).toBe(0)
  await page.goto(new URL('buckets', site.url).href)
  await page.getByRole('table', { name: 'Buckets' }).waitFor()
  expect(await page.getByRole('button', { name: 'Make a bucket' }).count()).toBe(0)
})
