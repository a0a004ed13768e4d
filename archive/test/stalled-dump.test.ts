import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeFifo, noise } from '#test/sample-archives.ts'

const folder = mkdtempSync(join(tmpdir(), 'archive-stalled-'))
const fifo = join(folder, 'dump')
const program = fileURLToPath(import.meta.resolve('#test/stalled-dump.ts'))

beforeAll(() => {
  makeFifo(fifo)
})
afterAll(() => rmSync(folder, { recursive: true }))

/**
 * Runs the program on a FIFO that gets some bytes and then stays open and silent until the program has ended.
 */
async function runOnStalledPipe(end: string): Promise<{ code: number | null; output: string }> {
  const writer = openSync(fifo, 'r+')
  try {
    const child = spawn(process.execPath, [program, fifo, end], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    child.stderr.on('data', chunk => {
      output += chunk
    })
    const ended = new Promise<number | null>(resolve => child.on('close', resolve))
    const bytes = noise(100_000)
    for (let offset = 0; offset < bytes.length; offset += 4096) {
      // The pipe holds 64 KiB; the rest fits in as the program reads.
      await new Promise(resolve => setTimeout(resolve, 5))
      writeSync(writer, bytes.subarray(offset, offset + 4096))
    }
    return { code: await ended, output }
  } finally {
    closeSync(writer)
  }
}

describe('a process whose dump hangs', () => {
  it.each([
    ['abort', 0, 'CANCELLED'],
    ['leave', 0, 'left'],
    ['uncaught', 1, 'a bug elsewhere'],
    ['exit', 7, ''],
  ])('ends by itself on %s', async (end, code, text) => {
    const run = await runOnStalledPipe(end)
    expect(run).toEqual({ code, output: expect.stringContaining(text) })
  })
})
