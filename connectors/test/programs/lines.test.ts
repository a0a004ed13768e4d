import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { forEachLine, MAX_LINE_LENGTH } from '#programs/lines.ts'

async function linesOf(chunks: readonly string[]): Promise<string[]> {
  const lines: string[] = []
  await forEachLine(Readable.from(chunks), line => lines.push(line))
  return lines
}

it('gives the same lines however the text is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom('a', 'ä', ' ', '\n') })), async chunks => {
      const expected = chunks.join('').split('\n')
      if (expected.at(-1) === '') expected.pop()
      expect(await linesOf(chunks)).toEqual(expected)
    }),
  )
})

it('cuts a line that never ends instead of keeping it, and goes on with the next', async () => {
  const chunks = [...Array.from({ length: 40 }, () => 'x'.repeat(4096)), '\nnext\n']
  const [long, next] = await linesOf(chunks)
  expect(long).toBe('x'.repeat(MAX_LINE_LENGTH))
  expect(next).toBe('next')
})
