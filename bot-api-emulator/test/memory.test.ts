import { test } from 'vitest'
import { expectBoundedMemory } from '#test/memory-load.ts'

test('200 MiB of documents, eight at a time, up and down, leave the memory small', async () => {
  await expectBoundedMemory({ totalBytes: 200 * 1024 * 1024 })
})
