import { afterEach, describe, expect, it, vi } from 'vitest'
import { sqlOfDump } from '#postgres/restore/sql-of-dump.ts'

afterEach(() => vi.restoreAllMocks())

const MIB = 1024 * 1024
const never = new AbortController().signal

async function* of(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks
}

async function readAll(chunks: Iterable<Buffer>): Promise<string> {
  const all: Buffer[] = []
  for await (const piece of sqlOfDump(of(chunks), never)) all.push(piece)
  return Buffer.concat(all).toString()
}

describe('a plain dump', () => {
  const DUMP =
    '--\n-- PostgreSQL database dump\n--\n\nSELECT 1;\n--\n-- PostgreSQL database dump complete\n--\n'
  /** A head of its own, and then byte by byte. */
  const inPieces = (text: string): Buffer[] => [
    Buffer.from(text.slice(0, 60)),
    ...[...text.slice(60)].map(byte => Buffer.from(byte)),
  ]

  it('is whole with the last line of pg_dump, wherever it is cut, and whatever follows', async () => {
    const long = DUMP.replace('SELECT 1;', `SELECT '${'x'.repeat(5000)}';`)
    for (const text of [DUMP, long, `${long}SELECT 2;\n`]) {
      expect(await readAll([Buffer.from(text)])).toBe(text)
      expect(await readAll(inPieces(text))).toBe(text)
    }
  })

  it('is refused at its end without that line', async () => {
    for (const text of [
      DUMP,
      DUMP.replaceAll('\n', '\r\n'),
      `${DUMP.slice(0, 44)}${'SELECT 1;\n'.repeat(999)}`,
    ]) {
      const cut = text.slice(0, text.lastIndexOf('--'))
      const short = cut.replace(' complete', '')
      await expect(readAll([Buffer.from(short)])).rejects.toThrow(/is incomplete/)
      await expect(readAll(inPieces(short))).rejects.toThrow(/is incomplete/)
    }
  })

  it('that somebody else wrote ends as it likes', async () => {
    expect(await readAll([Buffer.from('SELECT 1')])).toBe('SELECT 1')
  })
})

describe('a dump in the custom format', () => {
  const int = (number: number): Buffer => {
    const bytes = Buffer.alloc(5)
    bytes.writeUInt32LE(number, 1)
    return bytes
  }
  const text = (value: string): Buffer => Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)])
  /** The beginning of one whose table of contents has entries of `mebibytes` each, without an end. */
  function* withContents(mebibytes: number): Generator<Buffer> {
    const head = Buffer.from([1, 14, 0, 4, 8, 1])
    const made = [0, 0, 0, 1, 0, 120, 0].map(int)
    yield Buffer.concat([Buffer.from('PGDMP'), head, int(0), ...made, ...['db', '17', '17'].map(text)])
    yield int(1_000_000)
    for (let entry = 1; ; entry++) {
      yield Buffer.concat([int(entry), int(0), ...['0', '0', 'x', 'COMMENT'].map(text), int(2)])
      yield int(mebibytes * MIB)
      for (let block = 0; block < mebibytes; block++) yield Buffer.alloc(MIB, 'x')
      yield Buffer.concat([
        ...['', '', '', '', '', '', 'false'].map(text),
        Buffer.from([1]),
        int(1).subarray(1),
      ])
      yield Buffer.concat([Buffer.from([3]), Buffer.alloc(8)])
    }
  }

  it('does not fill the memory with its table of contents', async () => {
    vi.spyOn(process, 'constrainedMemory').mockReturnValue(128 * MIB)
    let readBytes = 0
    const counted = function* (): Generator<Buffer> {
      for (const chunk of withContents(8)) {
        readBytes += chunk.length
        if (readBytes > 256 * MIB) throw new Error('It went on')
        yield chunk
      }
    }
    await expect(readAll(counted())).rejects.toMatchObject({ code: 'UNRESTORABLE' })
  })
})
