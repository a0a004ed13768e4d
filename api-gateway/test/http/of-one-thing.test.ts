import { createJob, sqlRunner } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
let admin: string
let bound: string

beforeAll(async () => {
  service = await openTestService()
  admin = await service.key(['admin'])
  bound = await service.key(['read'], { projectId: 'north' })
})
afterAll(() => service.close())

async function idsAt(path: string, key: string): Promise<string[]> {
  const answer = await service.ask(path, { key })
  const { items } = (await answer.json()) as { items: { id: string }[] }
  return items.map(({ id }) => id)
}

it('the backups of one source are listed alone, within the project of the key', async () => {
  const ids: string[] = []
  for (const project of ['north', 'south', 'north'])
    ids.push(await upload(service, { key: admin, bytes: Buffer.from('x'), project }))
  const { executeSql } = sqlRunner(service.database)
  for (const id of ids.slice(0, 2))
    await executeSql(`update control_plane.backups set source_name = 'shop' where id = $1`, [id])
  expect(await idsAt('/backups?source=shop', admin)).toEqual([ids[1], ids[0]])
  expect(await idsAt('/backups?source=shop&project_id=south', admin)).toEqual([ids[1]])
  expect(await idsAt('/backups?source=shop', bound)).toEqual([ids[0]])
  expect(await idsAt('/backups?source=nothing', admin)).toEqual([])
  for (const bad of ['a%20b', '', '../x', 'a'.repeat(65)])
    expect((await service.ask(`/backups?source=${bad}`, { key: admin })).status, bad).toBe(400)
})

it('the jobs of one backup are listed alone, within the project of the key', async () => {
  const [mine, strange] = [
    await upload(service, { key: admin, bytes: Buffer.from('x'), project: 'north' }),
    await upload(service, { key: admin, bytes: Buffer.from('y'), project: 'south' }),
  ]
  const restored = async (project: string, backupId: string): Promise<string> => {
    const of = { kind: 'restore', projectId: project, backupId, target: 'staging', actor: 'test' } as const
    return (await createJob(service.database, of, async () => {})).job.id
  }
  const jobs = [await restored('north', mine), await restored('south', strange)]
  expect(await idsAt(`/jobs?backup_id=${mine}&kind=restore`, admin)).toEqual([jobs[0]])
  expect(await idsAt(`/jobs?backup_id=${strange}&kind=restore`, admin)).toEqual([jobs[1]])
  expect(await idsAt(`/jobs?backup_id=${strange}`, bound)).toEqual([])
  expect((await service.ask('/jobs?backup_id=nonsense', { key: admin })).status).toBe(400)
})
