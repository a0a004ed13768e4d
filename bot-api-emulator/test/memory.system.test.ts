import { test } from 'vitest'
import { expectBoundedMemory } from '#test/memory-load.ts'

test('1000 MiB of documents, eight at a time, up and down, leave the memory small', async () => {
  await expectBoundedMemory({ totalBytes: 1000 * 1024 * 1024 })
})
