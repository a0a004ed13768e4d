import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { createProgram } from '#cli.ts'
import { manualPages } from '#manual/pages.ts'

const CHECKER: string = 'mandoc'

it('each page of the manual passes the checks of mandoc', () => {
  const program = createProgram(async () => {}, { stdout: { write: () => {} }, stderr: { write: () => {} } })
  for (const { fileName, text } of manualPages(program, { version: '1.2.3', date: new Date('2026-11-24') })) {
    const checker = spawnSync(CHECKER, ['-Tlint', '-Wwarning'], { input: text, encoding: 'utf8' })
    if (checker.error !== undefined)
      throw new Error('This test needs mandoc: apt-get install mandoc', { cause: checker.error })
    expect(checker.stdout, fileName).toBe('')
  }
})
