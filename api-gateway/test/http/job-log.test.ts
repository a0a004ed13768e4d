import { addJobLog, createJob } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestService, type TestService } from '#test/http/http-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service.close())

interface Page {
  items: { stage: string; level: string; text: string; at: string }[]
  next_cursor: string | null
}

it('the log of a job is given in pages, by stage, and to keys of its project alone', async () => {
  const { database } = service
  const { job } = await createJob(
    database,
    { kind: 'backup', source: 'shop', projectId: 'shop' },
    async () => {},
  )
  const line = (stage: string, text: string) => ({ stage, level: 'info' as const, text })
  const lines = [line('before', '<b>\u001b[31mone'), line('before', 'two'), line('after', 'three')]
  await addJobLog(database, { jobId: job.id, lines })
  const key = await service.key(['read'], { projectId: 'shop' })
  const page = async (query: string): Promise<Page> =>
    (await (await service.ask(`/jobs/${job.id}/log?${query}`, { key })).json()) as Page
  const first = await page('limit=2')
  expect(first.items).toEqual([
    { at: expect.stringMatching(/^2\d{3}-.*Z$/), stage: 'before', level: 'info', text: '<b>\u001b[31mone' },
    expect.objectContaining({ text: 'two' }),
  ])
  const rest = await page(`limit=2&cursor=${first.next_cursor}`)
  expect(rest).toMatchObject({ items: [{ stage: 'after', text: 'three' }], next_cursor: null })
  expect((await page('stage=after')).items).toHaveLength(1)
  expect((await page('stage=nothing')).items).toEqual([])
  const ask = async (path: string, asking?: string) => (await service.ask(path, { key: asking })).status
  expect(await ask(`/jobs/${job.id}/log?cursor=IzE7`, key)).toBe(400)
  expect(await ask(`/jobs/${job.id}/log`, await service.key(['read'], { projectId: 'other' }))).toBe(404)
  expect(await ask(`/jobs/${job.id}/log`, await service.key(['backup']))).toBe(403)
  expect(await ask(`/jobs/${job.id}/log`)).toBe(401)
})
