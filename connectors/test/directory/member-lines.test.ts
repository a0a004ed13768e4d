import { memberPathBytes } from '@telegram-backup/archive'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMemberLine } from '#directory/pack/member-lines.ts'
import { unquoteName } from '#directory/pack/quoted-names.ts'
import { parseTarWord } from '#directory/pack/tar-words.ts'

const LETTERS: Readonly<Record<number, string>> = {
  7: 'a',
  8: 'b',
  9: 't',
  10: 'n',
  11: 'v',
  12: 'f',
  13: 'r',
  34: '"',
  92: '\\',
}

/** As GNU tar writes a name with `--quoting-style=c` in the C locale. */
function quote(bytes: Uint8Array): string {
  const text = [...bytes].map(byte => {
    const letter = LETTERS[byte]
    if (letter !== undefined) return `\\${letter}`
    if (byte >= 32 && byte < 127) return String.fromCharCode(byte)
    return `\\${byte.toString(8).padStart(3, '0')}`
  })
  return `"${text.join('')}"`
}

/** What Linux takes as a file's name: anything but a slash and NUL. */
const NAME = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map(bytes => Buffer.from(bytes.map(byte => (byte === 0 || byte === 47 ? 33 : byte))))
const PATH = fc
  .array(NAME, { minLength: 1, maxLength: 4 })
  .map(names => Buffer.from(names.map(name => name.toString('latin1')).join('/'), 'latin1'))

describe('a line of tar’s list', () => {
  it('gives back any name, and the first block in bytes, whatever else stands in the line', () => {
    fc.assert(
      fc.property(
        PATH,
        fc.nat(),
        fc.nat(),
        fc.constantFrom('2026-11-24 15:53:58.239575354', '-2147481748-01-25 00:00:00', '67768036191676799'),
        fc.constantFrom(' ', '  '),
        (path, block, size, time, gap) => {
          const name = quote(Buffer.concat([Buffer.from('./'), path]))
          const line = `block ${block}: -rw-r--r-- domain users/staff ${gap}${size} ${time}${gap}${name}`
          const member = parseMemberLine(line)
          expect(member).toMatchObject({ offset: block * 512, size, kind: 'file' })
          expect(memberPathBytes(member?.path ?? '').equals(path)).toBe(true)
        },
      ),
    )
  })

  it.each([
    ['block 0: drwxr-xr-x root/root         0 2026-11-24 15:53:58.239575354 "./"', '.', 'directory', 0],
    ['block 9: drwxr-xr-x root/root 0 2026-11-24 15:53:58 "./a b/"', 'a b', 'directory', 0],
    [
      'block 9: lrwxrwxrwx root/root 0 2026-11-24 15:53:58 "./link" -> "./a -> \\"b\\""',
      'link',
      'symlink',
      0,
    ],
    ['block 9: hrw-r--r-- root/root 0 2026-11-24 15:53:58 "./hard" link to "./a"', 'hard', 'hardlink', 0],
    ['block 9: crw-rw-rw- root/root 1,3 2026-11-24 15:53:58 "./null"', 'null', 'other', 0],
    ['block 9: prw-r--r-- root/root 0 2026-11-24 15:53:58.15157535  "./fifo"', 'fifo', 'other', 0],
    [
      'block 9: -rw-r--r-- root/root 10485764 2026-11-24 15:53:58.14757535  "./sparse"',
      'sparse',
      'file',
      10485764,
    ],
  ] as const)('%s', (line, path, kind, size) => {
    expect(parseMemberLine(line)).toMatchObject({ path, kind, size })
  })

  it.each([
    ['-rw-r--r--  root/root', 0o644, 'root', 'root'],
    ['-rwsr-xr-x+ domain users/staff', 0o4755, 'domain users', 'staff'],
    ['-rwS--S--T* 1234/2345', 0o7600, '1234', '2345'],
    ['drwxr-sr-t  a/b', 0o3755, 'a', 'b'],
    ['-rwxrwxrwx  gr\xf6\xdfe/\xff', 0o777, 'gr\udcf6\udcdfe', '\udcff'],
  ])('tells the mode and owner: %s', (words, mode, owner, group) => {
    const line = `block 9: ${words}         3 2026-11-24 15:53:58.239575354 "./a"`
    expect(parseMemberLine(line)?.attributes).toEqual({
      ...{ mode, owner, group },
      modifiedMs: Date.UTC(2026, 10, 24, 15, 53, 58, 239),
    })
  })

  it.each([
    ['1969-12-31 23:59:58.5', -1_500],
    ['-2147481748-01-25 00:00:00', null],
    ['67768036191676799', null],
    ['1234567890', 1_234_567_890_000],
  ])('tells the time %s', (time, modifiedMs) => {
    const line = `block 9: -rw-r--r--  a/b 3 ${time} "./a"`
    expect(parseMemberLine(line)?.attributes?.modifiedMs).toBe(modifiedMs)
  })

  it('tells where a link leads', () => {
    const line = (kind: string, rest: string): string =>
      `block 9: ${kind}rwxrwxrwx  a/b 0 2026-11-24 15:53:58 "./x" ${rest}`
    expect(parseMemberLine(line('l', '-> "./a -> \\"b\\""'))?.attributes?.link).toBe('./a -> "b"')
    expect(parseMemberLine(line('h', 'link to "./a b"'))?.attributes?.link).toBe('a b')
    expect(parseMemberLine(line('l', 'where to'))).toMatchObject({ kind: 'symlink', attributes: undefined })
  })

  it('in another form is none, never a wrong one', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        expect(parseMemberLine(text)).toBeUndefined()
      }),
    )
    expect(parseMemberLine('block 9: -rw-r--r-- root/root 3 2026-11-24 15:53:58 ./unquoted')).toBeUndefined()
  })
})

describe('a quoted name', () => {
  it('comes back as the bytes it was', () => {
    fc.assert(
      fc.property(NAME, name => {
        expect(unquoteName(quote(name)).equals(name)).toBe(true)
      }),
    )
  })
})

describe('a word of tar', () => {
  it.each([
    ['tar: "./x": Cannot open: Permission denied', 'unreadable'],
    ['tar: "./x": Cannot stat: Permission denied', 'unreadable'],
    ['tar: "./x": Cannot readlink: Operation not permitted', 'unreadable'],
    ['tar: "./x": File removed before we read it', 'vanished'],
    ['tar: "./x": Directory removed before we read it', 'vanished'],
    ['tar: "./x": Cannot stat: No such file or directory', 'vanished'],
    ['tar: "./x": file changed as we read it', 'changed'],
    ['tar: "./x": File shrank by 12 bytes; padding with zeros', 'shrank'],
    ['tar: "./x": File shrank by 1 byte; padding with zeros', 'shrank'],
    ['tar: "./x": socket ignored', 'note'],
    ['tar: "./x": Warning: Cannot llistxattrat: Permission denied', 'note'],
    ['/usr/bin/tar: "./x": file is on a different filesystem; not dumped', 'note'],
    ['tar: Exiting with failure status due to previous errors', 'end'],
    ['tar: "./x": Cannot open: Input/output error', 'error'],
    ['tar: "./x": Read error at byte 0, while reading 512 bytes: Input/output error', 'error'],
    ['tar: Error is not recoverable: exiting now', 'error'],
    ['tar: memory exhausted', 'error'],
    ['tar: "/dev/fd/3": Cannot open: Permission denied', 'error'],
    ['tar: "/srv/x": Cannot open: No such file or directory', 'error'],
    ['Segmentation fault', 'error'],
  ])('%s: %s', (line, kind) => {
    expect(parseTarWord(line)).toMatchObject({ kind })
  })

  it('about a file of any name is taken for what it says, not for what the name says', () => {
    const HOSTILE = fc.oneof(
      PATH,
      fc
        .constantFrom('x": socket ignored', 'a\ntar: "./b": file changed as we read it')
        .map(text => Buffer.from(text)),
    )
    fc.assert(
      fc.property(HOSTILE, path => {
        const word = parseTarWord(
          `tar: ${quote(Buffer.concat([Buffer.from('./'), path]))}: Cannot open: Permission denied`,
        )
        expect(word.kind).toBe('unreadable')
        expect('name' in word && word.name.equals(path)).toBe(true)
      }),
    )
  })
})
