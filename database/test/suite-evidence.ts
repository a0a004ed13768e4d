import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addEvidence, newSigningKey, recordIn } from '@telegram-backup/test-support/evidence-records.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  beginEvidence,
  closeSend,
  confirmEvidence,
  type Database,
  getEvidence,
  importEvidence,
  listEvidence,
  unpostedEvidence,
} from '#index.ts'

/** Records of drills: their chain, and their messages. */
export function describeEvidence(open: () => Promise<Database>): void {
  describe('evidence', () => {
    const folder = mkdtempSync(join(tmpdir(), 'suite-evidence-'))
    let database: Database
    let key: Awaited<ReturnType<typeof newSigningKey>>
    beforeAll(async () => {
      key = await newSigningKey(folder)
    })
    beforeEach(async () => {
      database = await open()
    })
    afterAll(() => rmSync(folder, { recursive: true }))

    test('records that are written at once make one chain', async () => {
      await Promise.all(Array.from({ length: 12 }, () => addEvidence(database, key)))
      const chain = (await listEvidence(database)).reverse()
      expect(chain.map(({ number }) => number)).toEqual(Array.from({ length: 12 }, (_, at) => at + 1))
      for (const [at, row] of chain.entries()) {
        expect(row.previous).toBe(chain[at - 1]?.sha256 ?? null)
        expect(recordIn(row)).toMatchObject({ sha256: row.sha256, number: at + 1 })
      }
    })

    test('a record that is not signed leaves no gap', async () => {
      await addEvidence(database, key)
      await expect(addEvidence(database, key, { id: 'no UUID' })).rejects.toThrow('contradicts itself')
      expect((await addEvidence(database, key)).number).toBe(2)
    })

    test('a chat gets a record once: one call at a time, and one message', async () => {
      const { id } = await addEvidence(database, key)
      const intent = {
        evidenceId: id,
        chatId: '-1',
        botId: '7',
        fileName: 'x',
        sizeBytes: 5,
        sha256: 'a'.repeat(64),
      }
      const begun = await Promise.all([1, 2, 3].map(() => beginEvidence(database, intent)))
      const [opened] = begun.filter(one => one !== null)
      expect(begun.filter(one => one === null)).toHaveLength(2)
      expect(await unpostedEvidence(database, '-1', 9)).toEqual([])
      expect(await unpostedEvidence(database, '-2', 9)).toMatchObject([{ id }])
      await closeSend(database, opened?.sendId ?? '')
      expect(await unpostedEvidence(database, '-1', 9)).toMatchObject([{ id }])
      const again = await beginEvidence(database, intent)
      const message = { ...intent, sendId: again?.sendId, fileId: 'f', sentAt: new Date() }
      expect(await confirmEvidence(database, { ...message, messageId: 9 })).toBe(true)
      expect(await confirmEvidence(database, { ...message, messageId: 9 })).toBe(true)
      expect(await confirmEvidence(database, { ...message, messageId: 8 })).toBe(false)
      expect(await beginEvidence(database, intent)).toBeNull()
    })

    test('a record from a chat is taken once, and none takes the place of another', async () => {
      const own = await addEvidence(database, key)
      expect(await importEvidence(database, { evidence: own, drill: undefined })).toBe('known')
      const forged = { ...own, id: own.backup_id, sha256: 'b'.repeat(64), verification_id: own.catalog_id }
      expect(await importEvidence(database, { evidence: forged, drill: undefined })).toBe('conflict')
      const elsewhere = { ...forged, catalog_id: own.backup_id }
      expect(await importEvidence(database, { evidence: elsewhere, drill: undefined })).toBe('added')
      expect(await getEvidence(database, forged.id)).toMatchObject({ catalog_id: own.backup_id })
      expect((await addEvidence(database, key)).number).toBe(2)
    })
  })
}
