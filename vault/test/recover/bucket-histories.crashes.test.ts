import { randomBytes } from 'node:crypto'
import { type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BucketWriter } from '#test/recover/bucket-writer.ts'
import { type KnownVersion, versionsIn } from '#test/recover/versions-in.ts'

type Step =
  | { do: 'put'; keys: readonly number[]; size: number }
  | { do: 'large'; key: number; pieces: number }
  | { do: 'delete'; key: number }
  | { do: 'tell' | 'checkpoint' | 'index' | 'garbage' }

const key = fc.integer({ min: 0, max: 5 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      keys: fc.uniqueArray(key, { minLength: 1, maxLength: 3 }),
      size: fc.integer({ min: 0, max: 300 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('large' as const), key, pieces: fc.integer({ min: 2, max: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('tell' as const, 'checkpoint' as const, 'index' as const, 'garbage' as const),
    }),
  },
)

async function take(writer: BucketWriter, step: Step): Promise<void> {
  if (step.do === 'put')
    await writer.put(Object.fromEntries(step.keys.map(key => [`data/${key}`, randomBytes(step.size)])))
  else if (step.do === 'large')
    await writer.putLarge(
      `data/${step.key}`,
      Array.from({ length: step.pieces }, () => randomBytes(200)),
    )
  else if (step.do === 'delete') await writer.delete(`data/${step.key}`)
  else if (step.do === 'tell') await writer.tell()
  else if (step.do === 'checkpoint') await writer.checkpoint()
  else if (step.do === 'index') await writer.refreshIndex()
  else {
    // As the service does it: packs go only after the index of the chat names what makes them needless.
    await writer.collectGarbage()
  }
}

async function expectSameAfter(
  machines: Machines,
  { steps, undeleteMs, isIndexLost }: { steps: readonly Step[]; undeleteMs: number; isIndexLost: boolean },
): Promise<void> {
  const old = await machines.open()
  const { emulator, chatId } = machines.vault
  const writer = await BucketWriter.open(old, machines.vault, { undeleteMs })
  await writer.put({ config: randomBytes(10) })
  for (const one of steps) await take(writer, one)
  // What no pack has told would come back: it is a minute at most.
  await writer.tell()
  const expected = await versionsIn(old.database, writer.bucket.id)
  if (isIndexLost) {
    const pinned = emulator.inspect.messages(chatId).findLast(message => message.pinned)
    if (pinned) emulator.asHuman.deleteMessage(chatId, pinned.message_id)
  }
  const next = await machines.open()
  const report = await next.recover()
  expect(report).toMatchObject({ refusedPacks: [], indexFailure: null })
  expectSame(await versionsIn(next.database, writer.bucket.id), expected)
  // The new catalog goes on where the old one was, and the next recovery reads its index.
  const goOn = await BucketWriter.open(next, machines.vault, { bucket: writer.bucket })
  await goOn.put({ 'data/next': randomBytes(10) })
  await goOn.refreshIndex()
  const third = await machines.open()
  await third.recover()
  expectSame(
    await versionsIn(third.database, writer.bucket.id),
    await versionsIn(next.database, writer.bucket.id),
  )
}

/**
 * Versions that were removed for good come back as deleted ones, until a checkpoint without them was drawn.
 */
function expectSame(found: readonly KnownVersion[], expected: readonly KnownVersion[]): void {
  const live = ({ state }: KnownVersion): boolean => state === 'live'
  expect(found.filter(live)).toEqual(expected.filter(live))
  expect(found).toEqual(expect.arrayContaining([...expected]))
}

test.each([true, false])(
  'whatever was stored, deleted, drawn and erased, a recovery knows the same versions (index lost: %s)',
  async isIndexLost => {
    const history = fc.record({
      steps: fc.array(step, { minLength: 3, maxLength: 14 }),
      // At once, or never in this test.
      undeleteMs: fc.constantFrom(0, 86_400_000),
    })
    await fc.assert(
      fc.asyncProperty(history, async ({ steps, undeleteMs }) => {
        const machines = await openMachines()
        try {
          await expectSameAfter(machines, { steps, undeleteMs, isIndexLost })
        } finally {
          await machines.close()
        }
      }),
      { numRuns: 6 },
    )
  },
  280_000,
)
