import { createHash } from 'node:crypto'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBucket, listObjects, putInCatalog } from '#index.ts'
import { endOfPrefix, isKey } from '#objects/versions/object-keys.ts'

let database: TestCatalog
beforeAll(async () => {
  database = await openTestCatalog()
})
afterAll(() => database.discard())

/** Where orders of characters differ, and what means something in patterns and paths. */
const character = fc.constantFrom(
  ...['a', 'b', 'B', '/', '%', '_', '\\', "'", ' ', '\t', '\x7f', 'ä', 'ß', '\ud7ff', '\ue000', '\uffff'],
  ...['😀', '\u{10ffff}'],
)
const text = fc.string({ unit: character, maxLength: 4 })
const key = text.filter(isKey)
const inOrder = (keys: Iterable<string>) =>
  [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

test('the end of a prefix is behind all that begins with it, and before all else', () => {
  fc.assert(
    fc.property(text, text, (prefix, other) => {
      const end = endOfPrefix(prefix)
      const isBelow = end === undefined || Buffer.compare(Buffer.from(other), Buffer.from(end)) < 0
      const isAbove = Buffer.compare(Buffer.from(other), Buffer.from(prefix)) >= 0
      expect(isBelow && isAbove).toBe(other.startsWith(prefix))
    }),
  )
})

test('pages of any size, put together, are the keys with the prefix in the order of their bytes', async () => {
  const sha256 = createHash('sha256').digest('hex')
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 12 }),
      fc.oneof(text, fc.constant('')),
      fc.integer({ min: 1, max: 4 }),
      fc.uuid(),
      async (keys, prefix, limit, name) => {
        const bucket = await createBucket(database, { name, kind: 'restic', projectId: 'p' })
        const of = { bucketId: bucket.id, prefix, limit }
        for (const key of keys) await putInCatalog(database, { ...of, key, content: Buffer.alloc(0), sha256 })
        const seen: string[] = []
        for (;;) {
          const page = await listObjects(database, { ...of, after: seen.at(-1) })
          seen.push(...page.map(({ key }) => key))
          if (page.length < limit) break
        }
        expect(seen).toEqual(inOrder(keys.filter(key => key.startsWith(prefix))))
      },
    ),
    { numRuns: roundsOf(12) },
  )
})
