import type { Watcher } from '@telegram-backup/archive'
import type { TimeZones } from '#dump-lines.ts'
import { CopyLines } from '#postgres/lines/copy-lines.ts'

/** For the thread that reads a dump: hashes its rows. */
export function watch(timeZones: unknown): Watcher {
  const lines = new CopyLines()
  return {
    see: bytes => lines.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
    end: () => ({ found: lines.finish(timeZones as TimeZones) }),
  }
}
