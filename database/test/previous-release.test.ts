import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import * as current from '#index.ts'
import { bundledPrograms, type PostgresServer, startPostgresServer } from '#test/postgres-server.ts'
import { CHAT, hash } from '#test/test-send.ts'

// The package as it was released last, packed as it then was, goes on with the schema as it is now.

const PACKED = fileURLToPath(import.meta.resolve('#test/previous-release/telegram-backup-database-0.1.0.tgz'))
const folder = mkdtempSync(join(tmpdir(), 'previous-release-test-'))
let previous: typeof current & {
  drawIndex: typeof current.indexRows
  unsettled: typeof current.unfinishedWork
}
let server: PostgresServer
let url: string
let before: current.Database
let now: current.Database
beforeAll(async () => {
  execFileSync('tar', ['-xzf', PACKED, '-C', folder])
  symlinkSync(fileURLToPath(import.meta.resolve('pg')).replace(/\/pg\/.*$/, ''), join(folder, 'node_modules'))
  previous = await import(pathToFileURL(join(folder, 'package', 'dist', 'index.js')).href)
  server = await startPostgresServer(bundledPrograms)
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})
beforeEach(async () => {
  url = await server.newDatabase()
  before = await previous.openDatabase({ url })
  now = await current.openDatabase({ url })
})
afterEach(async () => {
  await before.close()
  await now.close()
})

/** A backup in two parts, from its row to its commit mark. */
async function send(
  release: typeof current,
  database: current.Database,
  { chatId = CHAT, messageId = 500 } = {},
): Promise<string> {
  const backupId = randomUUID()
  const { lease } = await release.openBackup(database, {
    backupId,
    projectId: 'shop',
    type: 'database',
    filename: 'shop.sql',
    chatId,
    botId: '42',
    encrypted: true,
  })
  const leaseToken = lease.token
  for (const partNumber of [1, 2, 0]) {
    const kind = partNumber === 0 ? ('manifest' as const) : ('part' as const)
    // The release before calls them `partNo` and `size`.
    const key = { backupId, chatId, kind, partNumber, partNo: partNumber }
    const file = { fileName: `f${partNumber}`, sizeBytes: 10, size: 10, sha256: hash('c') }
    const { sendId } = await release.intendPart(database, { ...key, ...file, leaseToken })
    const message = { messageId: messageId + partNumber, fileId: `id${partNumber}`, sendId }
    await release.confirmPart(database, { ...key, ...message, leaseToken })
  }
  await release.completeBackup(database, {
    backupId,
    size: 300,
    archiveSize: 20,
    plainSha256: hash('a'),
    archiveSha256: hash('b'),
    partCount: 2,
    leaseToken,
  })
  return backupId
}

test('a catalog of the release before is brought up to date, and both go on with it', async () => {
  const old = await previous.migrate(before)
  const kept = await send(previous, before)
  const added = await current.migrate(now)
  expect([...old, ...added]).toEqual(
    readdirSync(
      fileURLToPath(new URL('.', import.meta.resolve('#migrations/001_create_catalog_table.sql'))),
    ).sort(),
  )
  expect(added.length).toBeGreaterThan(0)
  expect(await previous.migrate(before)).toEqual([])
  const later = await send(previous, before, { messageId: 600 })
  const newest = await send(current, now, { messageId: 700 })
  for (const [release, database] of [
    [previous, before],
    [current, now],
  ] as const) {
    const { data } = await release.queryByProject(database, 'shop', {})
    expect(data.map(({ id }) => id)).toEqual([newest, later, kept])
    expect(await release.getBackupDetails(database, newest)).toMatchObject({
      state: 'complete',
      part_count: 2,
    })
  }
  expect((await previous.drawIndex(before, CHAT)).backups).toHaveLength(3)
  expect((await current.indexRows(now, CHAT)).backups).toHaveLength(3)
})

test('what the release before does works on the newest schema: restores, erases, crashes left behind, records', async () => {
  await current.migrate(now)
  expect(await previous.migrate(before)).toEqual([])
  const first = await send(previous, before)
  const second = await send(previous, before, { messageId: 600 })
  const restore = await previous.beginRestore(before, { backupId: second, target: 'a folder' })
  await previous.finishRestore(before, restore.id, { bytes: 300 })
  expect(await previous.markDamaged(before, { backupId: second, error: 'x' })).toBe(true)
  expect(await previous.markSound(before, second, 'file ids')).toBe(true)
  const lease = await previous.markErasing(before, { backupId: first, evenTheLast: false })
  for (const { kind, part_no: partNumber, chat_id: chatId } of await previous.listMessages(before, first)) {
    const key = { backupId: first, chatId, kind, partNumber, partNo: partNumber }
    const mark = { ...key, state: 'erased' as const, leaseToken: lease.token }
    await previous.markPart(before, mark)
  }
  await previous.finishErase(before, { backupId: first, leaseToken: lease.token })
  const record = await previous.createBackup(before, {
    project_id: 'shop',
    type: 'logs',
    file_id: 'f',
    size: 1,
  })
  expect(await previous.deleteBackup(before, record.id)).toBe(true)
  expect(await previous.unsettled(before)).toMatchObject({ erasing: [{ id: record.id }], sending: [] })
  expect(await previous.getBackupStats(before)).toMatchObject({ total_backups: 1 })
  expect(await current.getBackupById(now, first)).toMatchObject({ state: 'erased' })
  expect((await current.listHistory(now, second)).map(({ event }) => event)).toContain('found sound')
})

test('the release before does not erase what a pin or a policy keeps, since it knows neither', async () => {
  await current.migrate(now)
  const pinned = await send(current, now)
  // Of two that were made in the same moment, either may be taken for the last, which stays anyway.
  const earlier = sql`update control_plane.backups set created_at = created_at - interval '1 hour'`
  await earlier.execute(now.kysely)
  await send(current, now, { messageId: 600 })
  const expired = sql`update control_plane.backups set expires_at = now() - interval '1 day'`
  await expired.execute(now.kysely)
  await current.pinBackup(now, pinned, true)
  const refused = { code: 'CONFLICT', message: expect.stringContaining('pinned') }
  await expect(previous.deleteExpiredBackups(before)).rejects.toMatchObject(refused)
  await expect(previous.markErasing(before, { backupId: pinned, evenTheLast: false })).rejects.toMatchObject(
    refused,
  )
  await expect(previous.deleteBackup(before, pinned)).rejects.toMatchObject(refused)
  await current.pinBackup(now, pinned, false)
  await current.setRetentionPolicy(now, { project_id: 'shop', type: 'database', keep: { last: 5 } })
  await expect(previous.deleteExpiredBackups(before)).rejects.toMatchObject(refused)
  await current.setRetentionPolicy(now, { project_id: 'shop', type: 'database', keep: null })
  expect(await previous.deleteExpiredBackups(before)).toBe(1)
  const lease = await current.markErasing(now, { backupId: pinned, evenTheLast: true })
  await lease.release()
})

test('every migration that the release before does not know says whether it can go on', () => {
  const [newest = ''] = readdirSync(join(folder, 'package', 'migrations'))
    .sort()
    .reverse()
  const migrations = fileURLToPath(
    new URL('.', import.meta.resolve('#migrations/001_create_catalog_table.sql')),
  )
  const unknown = readdirSync(migrations).filter(name => name > newest)
  expect(unknown.length).toBeGreaterThan(0)
  for (const name of unknown) {
    const [line] = readFileSync(join(migrations, name), 'utf8').split('\n')
    expect(`${name}: ${line}`).toBe(`${name}: -- Programs that know ${newest.slice(0, 3)} may go on.`)
  }
})
