import { totalmem } from 'node:os'
import { BackupError } from '@telegram-backup/errors'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { libpqEnvironment } from '#postgres/connection.ts'
import { beginsAsCustomDump, DUMP_HEAD_BYTES } from '#postgres/dump-head.ts'
import { refusedByPostgres } from '#postgres/restore/postgres-words.ts'
import { asWholeDump } from '#postgres/restore/whole-dump.ts'
import { FilterProgram } from '#programs/piped-program.ts'

/** Programs of Windows put it before a text; psql ignores it too. */
const BYTE_ORDER_MARK = Buffer.from('\ufeff')

/** The SQL of a plain or custom dump. Ends without an error only when `bytes` did. */
export async function* sqlOfDump(bytes: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const chunks = bytes[Symbol.asyncIterator]()
  try {
    const first = await nextAtLeast(chunks, DUMP_HEAD_BYTES)
    if (!beginsAsCustomDump(first)) {
      const isMarked = first.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
      yield* asWholeDump(isMarked ? first.subarray(BYTE_ORDER_MARK.length) : first, rest(chunks))
      return
    }
    const { path } = await newestClientProgram('pg_restore', signal)
    const pgRestore = new FilterProgram(path, ['-f', '-'], { environment: libpqEnvironment() })
    const memory = new MemoryForContents()
    for await (const sql of pgRestore.pass(memory.whileReading(prepend(first, chunks)))) {
      memory.isRead = true
      yield sql
    }
    const { exitCode, words } = await pgRestore.ended
    if (exitCode !== 0) throw refusedByPostgres('pg_restore cannot read the dump', words)
  } finally {
    await chunks.return?.()
  }
}

/** pg_restore reads a table of contents into memory: that of a crafted dump could use it up. */
class MemoryForContents {
  isRead = false

  async *whileReading(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const mostBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 2
    let readBytes = 0
    for await (const chunk of bytes) {
      readBytes += chunk.length
      if (!this.isRead && readBytes > mostBytes) {
        throw new BackupError(
          'The table of contents of the dump is too large for the memory of this machine',
          {
            code: 'UNRESTORABLE',
            hint: `The table of contents is larger than ${Math.floor(mostBytes)} bytes, half of the memory. Restore on a machine with more memory, or find out who made the dump.`,
          },
        )
      }
      yield chunk
    }
  }
}

async function nextAtLeast(chunks: AsyncIterator<Buffer>, sizeBytes: number): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0)
  while (first.length < sizeBytes) {
    const next = await chunks.next()
    if (next.done) break
    first = first.length === 0 ? next.value : Buffer.concat([first, next.value])
  }
  if (first.length === 0) {
    throw new BackupError('The backup is empty; there is nothing to restore', { code: 'UNRESTORABLE' })
  }
  return first
}

async function* rest(chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
}

async function* prepend(first: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  yield* rest(chunks)
}
