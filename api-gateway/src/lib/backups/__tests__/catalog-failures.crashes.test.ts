import { randomBytes } from 'node:crypto'
import {
  BackupTelegramIntegration,
  getBackupDetails,
  type IntegratedBackupResult,
  queryByProject,
} from '@telegram-backup/api-gateway/backups'
import { CatalogError, type Database } from '@telegram-backup/database'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { type KyselyPlugin, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let vault: TestVault
let database: Awaited<ReturnType<typeof openTestCatalog>>

beforeAll(async () => {
  ;[vault, database] = await Promise.all([openTestVault(), openTestCatalog()])
})

afterAll(async () => {
  await database.discard()
  await vault.close()
})

/** The catalog, whose nth statement from now, and all after it, fail as if the server had gone. */
function failingFrom(statement: number): { database: Database; statements: () => number } {
  let statements = 0
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      statements++
      if (statements >= statement)
        throw new CatalogError('The catalog’s server went away', { code: 'CATALOG' })
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return {
    database: { ...database, kysely: database.kysely.withPlugin(plugin) },
    statements: () => statements,
  }
}

/** Every message in the chat is one that the catalog names, or one that the result told the caller of. */
async function assertNoOrphan(projectId: string, result: IntegratedBackupResult): Promise<void> {
  const known = new Set<number>()
  for (const backup of (await queryByProject(projectId, {}, { database })).data) {
    const details = await getBackupDetails(backup.id, { database })
    for (const { message_id } of details?.parts ?? []) if (message_id !== null) known.add(message_id)
    if (details?.manifest) known.add(details.manifest.message_id)
  }
  for (const { messageId } of result.telegramMetadata?.parts ?? []) known.add(messageId)
  if (result.telegramMetadata?.manifest) known.add(result.telegramMetadata.manifest.messageId)
  const ofProject = vault.emulator.inspect
    .messages(vault.chatId)
    .filter(message => message.caption?.startsWith(`${projectId} ·`))
  expect(ofProject.filter(message => !known.has(message.message_id))).toEqual([])
}

describe('when the catalog fails', () => {
  it('at any of its statements, the result says so and no message is orphaned', async () => {
    // A chat that has its index already; making one is tried elsewhere.
    const warm = new BackupTelegramIntegration(vault.service, { database })
    expect(
      (await warm.sendAndRecord({ projectId: 'warm', type: 'logs', file: Buffer.from('x') })).success,
    ).toBe(true)
    let succeeded = false
    let failures = 0
    for (let statement = 1; !succeeded; statement++) {
      const projectId = `fails-at-${statement}`
      const failing = failingFrom(statement)
      const integration = new BackupTelegramIntegration(vault.service, { database: failing.database })
      const result = await integration.sendAndRecord({
        projectId,
        type: 'database',
        file: randomBytes(150_000),
      })
      succeeded = result.success
      await assertNoOrphan(projectId, result)
      const { data } = await queryByProject(projectId, {}, { database })
      if (succeeded) {
        expect(data.map(backup => backup.state)).toEqual(['complete'])
        break
      }
      failures++
      expect(result.error).toMatch(/^Failed to record backup in database: The catalog’s server went away/)
      expect(result.details).toMatchObject({
        databaseSuccess: false,
        databaseError: 'The catalog’s server went away',
      })
      expect(data.every(backup => backup.state !== 'complete')).toBe(true)
      if (result.details.telegramSuccess) {
        // The backup is whole in the chat, so the caller can record it when the catalog is back.
        const healthy = new BackupTelegramIntegration(vault.service, { database })
        const record = await healthy.recordInDatabaseOnly(result.telegramMetadata as never)
        expect(record.state).toBe('complete')
      } else {
        const ofProject = vault.emulator.inspect
          .messages(vault.chatId)
          .filter(message => message.caption?.startsWith(`${projectId} ·`))
        // Of a sealed backup nothing is taken back without the catalog's word: whoever settles it may finish
        // it.
        if (ofProject.length > 0) expect(data.map(backup => backup.state)).toEqual(['sending'])
        expect(ofProject.length).toBe(result.details.leftInChat ?? 0)
      }
    }
    // The chat, opening, three parts and the manifest with intent and confirmation each, and the commit.
    expect(failures).toBeGreaterThan(20)
  }, 600_000)

  it('at the commit itself, the backup stays in the chat and its messages stay known', async () => {
    await sql`
      CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'refused at commit'; END $$`.execute(database.kysely)
    await sql`
      CREATE CONSTRAINT TRIGGER refuse_at_commit AFTER UPDATE ON control_plane.backups
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'complete')
        EXECUTE FUNCTION public.refuse()`.execute(database.kysely)
    const integration = new BackupTelegramIntegration(vault.service, { database })
    const result = await integration.sendAndRecord({
      projectId: 'at-commit',
      type: 'logs',
      file: randomBytes(100_000),
    })
    expect(result.details).toMatchObject({ telegramSuccess: true, databaseSuccess: false })
    const { data } = await queryByProject('at-commit', {}, { database })
    expect(data.map(backup => backup.state)).toEqual(['sending'])
    await assertNoOrphan('at-commit', result)
    await sql`DROP TRIGGER refuse_at_commit ON control_plane.backups`.execute(database.kysely)
    const record = await integration.recordInDatabaseOnly(result.telegramMetadata as never)
    expect(record.state).toBe('complete')
  })

  it('because its disk is full, the result says what to do, and what was sent is taken back', async () => {
    await sql`
      CREATE FUNCTION public.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$`.execute(
      database.kysely,
    )
    await sql`
      CREATE TRIGGER full_disk BEFORE INSERT ON control_plane.backup_parts
        FOR EACH ROW WHEN (NEW.part_no = 3) EXECUTE FUNCTION public.full_disk()`.execute(database.kysely)
    const integration = new BackupTelegramIntegration(vault.service, { database })
    const result = await integration.sendAndRecord({
      projectId: 'full',
      type: 'logs',
      file: randomBytes(150_000),
    })
    await sql`DROP TRIGGER full_disk ON control_plane.backup_parts`.execute(database.kysely)
    expect(result.error).toMatch(/^Failed to record backup in database: /)
    expect(result.hint).toMatch(/space|room/i)
    expect(
      vault.emulator.inspect.messages(vault.chatId).filter(({ caption }) => caption?.startsWith('full ·')),
    ).toEqual([])
    const { data } = await queryByProject('full', {}, { database })
    expect(data.map(backup => backup.state)).toEqual(['failed'])
  })

  it('before anything was sent, nothing is sent', async () => {
    const before = vault.emulator.inspect.calls('sendDocument')
    const integration = new BackupTelegramIntegration(vault.service, { database: failingFrom(1).database })
    const result = await integration.sendAndRecord({
      projectId: 'closed',
      type: 'logs',
      file: Buffer.from('x'),
    })
    expect(result.details).toMatchObject({ telegramSuccess: false, databaseSuccess: false })
    expect(vault.emulator.inspect.calls('sendDocument')).toBe(before)
  })
})
