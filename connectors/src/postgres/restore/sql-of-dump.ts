import { BackupError } from '@telegram-backup/errors'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { libpqEnvironment } from '#postgres/connection-config.ts'
import { refusedByPostgres } from '#postgres/restore/postgres-words.ts'
import { FilterProgram } from '#programs/filter-program.ts'

/** With these bytes a dump in the custom format begins. */
const CUSTOM_FORMAT = Buffer.from('PGDMP')

/**
 * The SQL of a dump, whether it is SQL already or in pg_dump's custom format, which pg_restore turns into SQL. It ends
 * without an error only when `bytes` did, to the last one.
 */
export async function* sqlOfDump(bytes: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const chunks = bytes[Symbol.asyncIterator]()
  try {
    const first = await nextAtLeast(chunks, CUSTOM_FORMAT.length)
    if (!first.subarray(0, CUSTOM_FORMAT.length).equals(CUSTOM_FORMAT)) {
      yield first
      yield* rest(chunks)
      return
    }
    const { path } = await newestClientProgram('pg_restore', signal)
    const pgRestore = new FilterProgram(path, ['-f', '-'], libpqEnvironment())
    yield* pgRestore.pass(prepend(first, chunks))
    const { exitCode, words } = await pgRestore.ended
    if (exitCode !== 0) throw refusedByPostgres('pg_restore cannot read the dump', words)
  } finally {
    await chunks.return?.()
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
