import { BackupError, type Hint } from '@telegram-backup/errors'
import type { PgDumpWords } from '#postgres/dump/pg-dump-words.ts'
import type { ChildEnd } from '#programs/child-output.ts'

/** Throws `SOURCE` unless the exit code is 0, and neither the program nor the server reported an error. */
export function assertGoodDump(
  end: ChildEnd,
  of: {
    program: 'pg_dump' | 'pg_dumpall'
    words: PgDumpWords
    plainBytesRead: number
    hintFor: (error: string) => string | Hint
  },
): void {
  const { program, words, plainBytesRead, hintFor } = of
  const [error] = words.errors
  if (end.code === 0 && error === undefined && plainBytesRead > 0) return
  const how =
    end.signal !== null
      ? `${program} was ended by ${end.signal}`
      : end.code === 0
        ? `${program} wrote nothing`
        : `${program} ended with exit code ${end.code}`
  throw new BackupError(error === undefined ? how : `${program} failed: ${error}`, {
    code: 'SOURCE',
    hint: hintFor(error ?? ''),
  })
}
