import { expect, test } from 'vitest'
import { BackupError } from '#backup-error.ts'
import { ExitCode, exitCodeFor, exitCodeOf } from '#exit-codes.ts'

test('any code that is not listed is a failure, also one named as a property that every object has', () => {
  for (const code of ['UNKNOWN', ...Object.getOwnPropertyNames(Object.prototype)]) {
    expect(exitCodeFor(code)).toBe(ExitCode.FAILED)
    expect(exitCodeOf(new BackupError('no', { code }))).toBe(ExitCode.FAILED)
  }
})
