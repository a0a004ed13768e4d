import { BackupError, hint, run } from '@telegram-backup/errors'
import { beginsAsPlainDump } from '#postgres/dump-head.ts'

const LAST_LINE = Buffer.from('-- PostgreSQL database dump complete')

/**
 * Passes a plain dump on. Throws `UNRESTORABLE` at the end of an incomplete one of pg_dump: cut between two
 * statements, it would look sound. `head` is its beginning, which `rest` does not repeat.
 */
export async function* asWholeDump(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield head
  const isOfPgDump = beginsAsPlainDump(head)
  let isEnded = !isOfPgDump || head.includes(LAST_LINE)
  let before: Buffer = head.subarray(-LAST_LINE.length)
  for await (const chunk of rest) {
    if (!isEnded) {
      const seam = Buffer.concat([before, chunk.subarray(0, LAST_LINE.length)])
      isEnded = seam.includes(LAST_LINE) || chunk.includes(LAST_LINE)
      before = Buffer.concat([before, chunk.subarray(-LAST_LINE.length)]).subarray(-LAST_LINE.length)
    }
    yield chunk
  }
  if (isEnded) return
  throw new BackupError('The dump is incomplete: the last line of a pg_dump output is missing', {
    code: 'UNRESTORABLE',
    hint: hint`The file was already incomplete when it was sent. Find out why pg_dump ended early, and make a new backup. "${run('fetch')}" gets the incomplete file.`,
  })
}
