import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlRunner } from '@telegram-backup/database'
import { expect } from 'vitest'
import { pageTest } from '#test/page/page-test.ts'

const it = pageTest()

/** Markup that runs, ends an attribute, and turns the text around. */
const HOSTILE = `"><img src=x onerror="window.hostile=1"><script>window.hostile=1</script>\u202egnp.exe`
const SHOWN = '<img src=x onerror='
const PLANTED = [
  'update control_plane.backups set filename = $1, source_name = $1, caption = $1, error = $1',
  `update control_plane.jobs set source = $1, state = 'failed', error_code = 'SOURCE', error = $1`,
  'update control_plane.job_log set text = $1',
  // A member of a directory, in what a drill has found.
  `update control_plane.verifications set error = $1, report = jsonb_build_object('notes', jsonb_build_array($1::text),
     'not_covered', jsonb_build_array(jsonb_build_object('table', $1::text, 'reason', $1::text)),
     'differences', jsonb_build_array(jsonb_build_object('object', $1::text, 'kind', 'member', 'change', 'changed',
       'expected', $1::text, 'found', $1::text)))`,
  `insert into control_plane.audit (actor, act, object) values ($1, 'backup.send', $1)`,
  'update control_plane.api_keys set name = $1',
]

it('nothing of what a backup carries is run, or can hide what stands beside it', async ({ site, pages }) => {
  const uploads = join(site.vault.folder, 'uploads')
  await mkdir(join(uploads, 'deep'), { recursive: true })
  await writeFile(join(uploads, 'deep', HOSTILE.replaceAll('/', '∕')), 'x')
  const backup = await site.backUp('uploads')
  const { job_id: job } = await site.ask<{ job_id: string }>(`backups/${backup}/verify`, { drill: true })
  await site.ended(job)
  const { executeSql } = sqlRunner(site.catalog)
  // The name of a project cannot hold it at all.
  const project = executeSql('insert into control_plane.projects (id) values ($1)', [HOSTILE])
  await expect(project).rejects.toThrow('projects_id_check')
  // Whoever has the bot's token can write all else into the chat, from where a catalog is rebuilt.
  for (const statement of PLANTED) await executeSql(statement, [HOSTILE])

  // Nor can that of a person.
  await expect(site.signIn(HOSTILE)).rejects.toThrow('Not a valid name')

  const page = await pages.open(site.url, { cookies: await site.signIn('Hana') })
  const { items } = await site.ask<{ items: { id: string }[] }>('drills')
  const showing = [
    ...['', 'backups', `backups/${backup}`, `backups/${backup}/restore`, 'jobs', `jobs/${job}`],
    ...['proof', `proof/${items[0]?.id}`, 'people?tab=keys', 'audit'],
  ]
  for (const path of [...showing, 'sources', 'schedules', 'people?tab=sessions']) {
    await page.goto(new URL(path, site.url).href)
    await page.getByRole('heading', { level: 1 }).waitFor()
    if (showing.includes(path)) await page.locator('#content').getByText(SHOWN).first().waitFor()
    expect(await page.evaluate('window.hostile'), path).toBeUndefined()
    expect(await page.locator('img[src="x"]').count(), path).toBe(0)
    const text = String(await page.evaluate('document.body.innerText'))
    expect(text, path).not.toContain('\u202e')
  }
})

it('10,000 backups are shown a page at a time, and the place is in the address', async ({ site, pages }) => {
  const { executeSql } = sqlRunner(site.catalog)
  await executeSql(`insert into control_plane.projects (id) values ('many') on conflict do nothing`)
  await executeSql(`
    insert into control_plane.backups
           (project_id, type, source_name, filename, state, size, archive_size, part_count, file_id, created_at, completed_at)
    select 'many', 'logs', 'many', 'many.log', 'complete', number * 1000, number * 500, 1, 'f',
           now() - number * interval '1 minute', now() - number * interval '1 minute'
      from generate_series(1, 10000) number`)
  const page = await pages.open(site.url, { cookies: await site.signIn('Many') })
  await page.goto(new URL('backups?project=many', site.url).href)
  const rows = page.locator('#content a[href*="/backups/"]')
  await rows.first().waitFor()
  const shown = await rows.count()
  expect(shown).toBeGreaterThan(10)
  expect(shown).toBeLessThan(500)
  const first = await rows.first().getAttribute('href')
  await page.getByRole('button', { name: 'Older' }).click()
  await expect.poll(() => rows.first().getAttribute('href')).not.toBe(first)
  const second = await rows.first().getAttribute('href')
  await page.reload()
  await expect.poll(() => rows.first().getAttribute('href')).toBe(second)
  await page.goBack()
  await expect.poll(() => rows.first().getAttribute('href')).toBe(first)
})
