// A program for stalled-dump.test.ts: backs up a pipe whose writer has stopped writing, and is to end all the
// same. Arguments: the FIFO, and how the end comes.
import { openSync } from 'node:fs'
import { generateIdentity, writeArchive } from '@telegram-backup/archive'

const [path = '', end = ''] = process.argv.slice(2)
const { recipient } = await generateIdentity()
const aborting = new AbortController()

function stopOnceStalled(plainBytesRead: number): void {
  // Of the 100,000 bytes that the test writes, these are all the whole blocks; the rest hangs in the pipe.
  if (plainBytesRead < 98_304) return
  if (end === 'abort') aborting.abort(new Error('the dump hangs'))
  if (end === 'uncaught')
    setImmediate(() => {
      throw new Error('a bug elsewhere')
    })
  if (end === 'exit') process.exit(7)
}

const parts = writeArchive(
  { fd: openSync(path, 'r') },
  {
    backup: { id: crypto.randomUUID(), project: 'shop', type: 'database', filename: 'shop.sql' },
    encryption: { recipients: [recipient] },
    partSizeBytes: 16 * 1024,
    signal: aborting.signal,
    onProgress: stopOnceStalled,
  },
)
try {
  for await (const part of parts) {
    if (end === 'leave' && part.number === 2) break
  }
  console.log('left')
} catch (error) {
  console.log(error instanceof Error && 'code' in error ? error.code : error)
}
