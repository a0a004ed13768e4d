import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'

export const MEGABYTE = 1_000_000

/**
 * Rows as pg_dump writes them: numbers, words, dates, and as much randomness as hashes and ids bring along.
 */
function dumpLikeText(sizeBytes: number): Buffer {
  const words = [
    'invoice',
    'paid',
    'open',
    'Berlin',
    'customer',
    'shipping',
    'return',
    'note',
    'draft',
    'café',
  ]
  const rows: string[] = []
  for (let size = 0, id = 1; size < sizeBytes; id++) {
    const text = Array.from(
      { length: 6 },
      (_, i) => words[(id * 7 + i * 13 + (id >> 3)) % words.length],
    ).join(' ')
    const row = `${id}\t${(id * 7919) % 100003}\t2026-11-24 05:33:${String(id % 60).padStart(2, '0')}+00\t${text}\t${randomBytes(12).toString('hex')}\tt\n`
    rows.push(row)
    size += row.length
  }
  return Buffer.from(rows.join('')).subarray(0, sizeBytes)
}

/** Makes bytes for a bench, and says what they are like. */
export const INPUTS: Readonly<Record<string, (sizeBytes: number) => Buffer>> = {
  'dump-like text': dumpLikeText,
  'random bytes': randomBytes,
}

/** Fills a file with so many megabytes, made ten at a time. */
export function writeInput(path: string, megabytes: number, make: (sizeBytes: number) => Buffer): void {
  const fd = openSync(path, 'w')
  for (let written = 0; written < megabytes; written += 10) writeSync(fd, make(10 * MEGABYTE))
  closeSync(fd)
}
