import {
  type Backup,
  type CreateBackupInput,
  createBackup,
  getBackupById,
  sqlRunner,
  updateBackup,
} from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BackupWords, findBackup } from '#operations/find-backup.ts'

let database: Awaited<ReturnType<typeof openTestCatalog>>

beforeEach(async () => {
  database = await openTestCatalog()
})
afterEach(() => database.discard())

const onDay = (day: number): Date => new Date(Date.UTC(2026, 10, day, 12))

async function made(
  day: number,
  { source_name, ...input }: Partial<CreateBackupInput> & { source_name?: string } = {},
): Promise<string> {
  const { id } = await createBackup(database, {
    ...{ project_id: 'shop', type: 'database', file_id: 'f', size: 1, created_at: onDay(day) },
    ...input,
  })
  if (source_name !== undefined) await set(id, 'source_name', source_name)
  return id
}

async function set(id: string, column: keyof Backup, value: unknown): Promise<void> {
  await sqlRunner(database).executeSql(`update control_plane.backups set ${column} = $2 where id = $1`, [
    id,
    value,
  ])
}

async function found(words: string | BackupWords): Promise<{ id: string; notes: string[] }> {
  const notes: string[] = []
  const { id } = await findBackup(database, words, { note: line => notes.push(line) })
  return { id, notes }
}

describe('a backup is named', () => {
  it('by its id, or by eight characters of it', async () => {
    const id = await made(1)
    for (const words of [id, ` ${id} `, id.slice(0, 8), id.slice(0, 13).toUpperCase()])
      expect(await found(words)).toEqual({ id, notes: [] })
    for (const none of [id.slice(0, 7), 'Latest', '%', `${id}0`, `${id.slice(0, 8)}%`, "' or true --"])
      await expect(found(none)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(found({ id, before: onDay(2) })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('by too few characters: the candidates are listed, each by its whole id', async () => {
    const ids = ['1', '2', '3', '4', '5', '6', '7'].map(n => `0badcafe-0000-4000-8000-00000000000${n}`)
    for (const [day, id] of ids.entries()) await made(day + 1, { id, source_name: `s${day}` })
    const error = await found('0badcafe').catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'USAGE' })
    const { message } = error as Error
    expect(message).toContain(`${ids[6]}: shop database, source s6, made 2026-11-07 12:00 UTC`)
    expect(message.match(/0badcafe-/g)).toHaveLength(5)
    expect(message).toContain('and more')
  })

  it('by "latest": the newest that is whole; newer ones that are not are told of', async () => {
    await made(1)
    const good = await made(2)
    const damaged = await made(3)
    await updateBackup(database, damaged, { damaged_at: onDay(4) })
    const erasing = await made(4)
    await updateBackup(database, erasing, { state: 'erasing' })
    const erased = await made(5)
    await updateBackup(database, erased, { state: 'erasing' })
    await updateBackup(database, erased, { state: 'erased' })
    const unproven = await made(6)
    await set(unproven, 'recovered_trust', 0)
    const failed = await made(7)
    await set(failed, 'state', 'failed')
    const { id, notes } = await found('latest')
    expect(id).toBe(good)
    expect(notes).toEqual([
      `latest is ${good.slice(0, 8)}: shop database, made 2026-11-02 12:00 UTC`,
      expect.stringMatching(`passed over.*${failed.slice(0, 8)}.*failed`),
      expect.stringMatching(`passed over.*${unproven.slice(0, 8)}.*captions`),
      expect.stringMatching(`passed over.*${erasing.slice(0, 8)}.*erased`),
      expect.stringMatching(`passed over.*${damaged.slice(0, 8)}.*DAMAGED`),
    ])
    expect((await found({ id: 'latest', before: onDay(2) })).notes).toHaveLength(1)
    await expect(found({ id: 'latest', before: onDay(1) })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('by "latest" when nothing is whole: the error says what there is', async () => {
    const only = await made(1)
    await updateBackup(database, only, { damaged_at: onDay(2) })
    await expect(found('latest')).rejects.toThrow(`passed over: ${only.slice(0, 8)}`)
    expect((await getBackupById(database, only))?.state).toBe('complete')
  })

  it('of a source: by its name, else by that of a project', async () => {
    const orders = await made(1, { source_name: 'orders' })
    const files = await made(2, { source_name: 'files', type: 'storage' })
    const blog = await made(3, { project_id: 'blog' })
    expect((await found('latest')).id).toBe(blog)
    expect((await found('latest:orders')).id).toBe(orders)
    expect((await found('latest:shop')).id).toBe(files)
    expect((await found('latest:shop/orders')).id).toBe(orders)
    expect((await found({ id: 'latest:files', before: onDay(3) })).id).toBe(files)
    // A source of that name goes before a project of that name, even if nothing of it is left.
    const gone = await made(4, { source_name: 'blog' })
    await updateBackup(database, gone, { state: 'erasing' })
    await expect(found('latest:blog')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    for (const none of ['latest:nothing', 'latest:blog/orders', 'latest:\0', "latest:' or true --"])
      await expect(found(none), none).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(found('latest:')).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('of a source that two projects have: the project has to be named', async () => {
    const one = await made(1, { project_id: 'north', source_name: 'etc' })
    const other = await made(2, { project_id: 'south', source_name: 'etc' })
    await expect(found('latest:etc')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(`${one.slice(0, 8)}[^]*${other.slice(0, 8)}`),
      hint: expect.stringContaining('latest:north/etc'),
    })
    expect((await found({ id: 'latest:etc', before: onDay(2) })).id).toBe(one)
    expect((await found('latest:south/etc')).id).toBe(other)
  })
})
