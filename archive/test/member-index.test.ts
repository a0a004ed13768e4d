import { randomBytes } from 'node:crypto'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Member,
  type MemberIndex,
  MemberIndexWriter,
  memberPathBytes,
  memberPathOf,
  readMemberIndex,
} from '#index.ts'

const anyMember = fc.record({
  path: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 50 }).map(bytes => memberPathOf(bytes)),
    fc.string({ minLength: 5000, maxLength: 5000 }),
  ),
  offset: fc.maxSafeNat(),
  size: fc.maxSafeNat(),
  kind: fc.constantFrom('file', 'directory', 'symlink', 'hardlink', 'other'),
})

const anyAttributes = fc.record(
  {
    mode: fc.nat(0o7777),
    owner: fc.string({ unit: 'binary' }),
    group: fc.string(),
    modifiedMs: fc.option(fc.integer({ min: -8.64e15, max: 8.64e15 })),
    link: fc.uint8Array({ maxLength: 50 }).map(bytes => memberPathOf(bytes)),
  },
  { requiredKeys: ['mode', 'owner', 'group', 'modifiedMs'] },
)

function indexOf(members: readonly Member[]): ReturnType<MemberIndexWriter['finish']> {
  const writer = new MemberIndexWriter()
  for (const member of members) writer.add(member)
  return writer.finish()
}

function numbered(count: number): Member[] {
  return Array.from({ length: count }, (_, number) => ({
    path: `var/www/${number % 97}/file-${number}.html`,
    offset: number * 1024,
    size: number % 513,
    kind: 'file',
  }))
}

function read(count: number, lines: string): Member[] {
  return [...readMemberIndex({ count, index: zstdCompressSync(lines).toString('base64') })]
}

describe('the index of members', () => {
  it('gives back any members, whatever their names', () => {
    fc.assert(
      fc.property(fc.array(anyMember, { maxLength: 40 }), given => {
        const members = given.toSorted((a, b) => a.offset - b.offset)
        const index = indexOf(members)
        expect(index?.count).toBe(members.length)
        expect([...readMemberIndex(index ?? { count: -1, index: '' })]).toEqual(members)
      }),
    )
  })

  it('gives back the attributes of all members, or of none where one has none', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyMember, anyAttributes), { minLength: 1, maxLength: 20 }), given => {
        const members = given
          .map(([member, attributes]) => ({ ...member, attributes }))
          .toSorted((a, b) => a.offset - b.offset)
        const index = indexOf(members) as MemberIndex
        expect([...readMemberIndex(index)]).toEqual(members)
        const { attributes: _, ...bare } = members[0] as Member
        const partly = indexOf([bare, ...members.slice(1)]) as MemberIndex
        expect(partly.attributes).toBeUndefined()
        expect(partly.index).toBe(index.index)
      }),
    )
  })

  it('gives up the attributes, not the positions, where both are too large for a manifest', () => {
    const writer = new MemberIndexWriter(50_000)
    for (const member of numbered(2_000)) {
      const owner = randomBytes(30).toString('hex')
      writer.add({ ...member, attributes: { mode: 0, owner, group: '', modifiedMs: null } })
    }
    const index = writer.finish() as MemberIndex
    expect(index.attributes).toBeUndefined()
    expect([...readMemberIndex(index)]).toEqual(numbered(2_000))
  })

  it.each<[string, string]>([
    ['are of fewer members', ''],
    ['are of more members', '[420,"a","b",0]\n[420,"a","b",0]\n'],
    ['have no mode', '["a","b",0]\n'],
    ['have a mode out of range', '[4096,"a","b",0]\n'],
    ['have an owner that is no text', '[420,1,"b",0]\n'],
    ['have a time that no date holds', '[420,"a","b",8640000000000001]\n'],
    ['have a field too many', '[420,"a","b",0,"c",1]\n'],
    ['break off', '[420,"a","b",0]'],
  ])('is refused when its attributes %s', (_, lines) => {
    const member = '[0,1,"file","a"]\n'
    const read = (attributes: string): Member[] => [
      ...readMemberIndex({
        count: 1,
        index: zstdCompressSync(member).toString('base64'),
        attributes: zstdCompressSync(attributes).toString('base64'),
      }),
    ]
    expect(() => read(lines)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
    expect(read('[420,"a","b",null,"c"]\n')[0]?.attributes).toMatchObject({ mode: 0o644, link: 'c' })
  })

  it('gives back many members, frame by frame, and unpacks as one zstd stream', () => {
    const members = numbered(50_000)
    const index = indexOf(members) as { count: number; index: string }
    expect([...readMemberIndex(index)]).toEqual(members)
    // About a dozen bytes for each; a manifest has room for several hundred thousand.
    expect(index.index.length).toBeLessThan(50_000 * 15)
    const frames = Buffer.from(index.index, 'base64')
    expect(frames.toString('latin1').split('\x28\xb5\x2f\xfd').length).toBeGreaterThan(5)
    const [first] = zstdDecompressSync(frames).toString().split('\n')
    expect(first).toBe('[0,0,"file","var/www/0/file-0.html"]')
  })

  it('is left out when it would be too large, or a name is', () => {
    const writer = new MemberIndexWriter(10_000)
    for (let number = 0; number < 20_000; number++) {
      writer.add({ path: randomBytes(30).toString('hex'), offset: number, size: 1, kind: 'file' })
    }
    expect(writer.finish()).toBeUndefined()
    expect(indexOf([{ path: 'x'.repeat(100_001), offset: 0, size: 1, kind: 'file' }])).toBeUndefined()
    expect(indexOf([{ path: '\0'.repeat(100_000), offset: 0, size: 1, kind: 'file' }])).toBeDefined()
  })

  it('takes no member before the last one, and no number that is none', () => {
    const writer = new MemberIndexWriter()
    writer.add({ path: 'a', offset: 512, size: 1, kind: 'file' })
    for (const wrong of [{ offset: 511 }, { offset: 512.5 }, { size: -1 }, { size: 2 ** 53 }]) {
      expect(() => writer.add({ path: 'b', offset: 512, size: 1, kind: 'file', ...wrong })).toThrow(
        expect.objectContaining({ code: 'CONFIGURATION' }),
      )
    }
  })

  it.each<[string, number, string]>([
    ['has another number of members', 2, '[0,1,"file","a"]\n'],
    ['goes backwards', 2, '[5,1,"file","a"]\n[4,1,"file","b"]\n'],
    ['breaks off', 1, '[0,1,"file","a"]'],
    ['is no JSON', 1, '[0,1,"file"\n'],
    ['names an unknown kind', 1, '[0,1,"device","a"]\n'],
    ['names no path', 1, '[0,1,"file",7]\n'],
    ['has a field too many', 1, '[0,1,"file","a",1]\n'],
    ['has a size that is none', 1, '[0,-1,"file","a"]\n'],
    ['unpacks to far more than a frame', 1, `${' '.repeat(50_000_000)}[0,1,"file","a"]\n`],
  ])('is refused when it %s', (_, count, lines) => {
    expect(() => read(count, lines)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }))
    expect(read(1, '[0,1,"file","a"]\n')).toHaveLength(1)
  })

  it('is refused when any byte is changed or cut off, unless that changes nothing', () => {
    const members = numbered(300)
    const { count, index } = indexOf(members) as { count: number; index: string }
    const bytes = Buffer.from(index, 'base64')
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), fc.nat(bytes.length - 1), (bit, length) => {
        const flipped = Buffer.from(bytes)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        for (const damaged of [flipped, bytes.subarray(0, length)]) {
          let found: Member[] | undefined
          try {
            found = [...readMemberIndex({ count, index: damaged.toString('base64') })]
          } catch (error) {
            expect(error).toMatchObject({ code: 'INTEGRITY' })
          }
          if (found) expect(found).toEqual(members)
        }
      }),
    )
  })
})

describe('the path of a member', () => {
  it('stands for exactly its bytes, also when they are not UTF-8', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.string({ unit: 'grapheme' }).map(text => Buffer.from(text)),
      // Halves of a pair as UTF-8 would write them, an overlong slash, a character cut short.
      fc
        .constantFrom([0xed, 0xb2, 0x80], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf0, 0x9f, 0x98])
        .map(Buffer.from),
    )
    fc.assert(
      fc.property(fc.array(pieces), names => {
        const bytes = Buffer.concat(names)
        const path = memberPathOf(bytes)
        expect(memberPathBytes(path)).toEqual(bytes)
        expect(memberPathBytes(JSON.parse(JSON.stringify(path)))).toEqual(bytes)
      }),
    )
  })

  it('is the text itself when the bytes are UTF-8, and escapes as Python does when not', () => {
    expect(memberPathOf(Buffer.from('größe/😀'))).toBe('größe/😀')
    expect(memberPathOf(Buffer.from('caf\xe9', 'latin1'))).toBe('caf\udce9')
  })

  it('stands for no bytes when it holds half a character', () => {
    expect(() => memberPathBytes('a\ud83d')).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    expect(() => memberPathBytes('\udc7f')).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })
})

describe('hashes of files', () => {
  const members: Member[] = [
    { path: 'a', offset: 0, size: 1, kind: 'file', sha256: 'ab'.repeat(32) },
    { path: 'b', offset: 512, size: 0, kind: 'directory' },
    { path: 'sparse', offset: 1024, size: 1, kind: 'file', sha256: undefined },
  ]
  const bytes = Buffer.concat([Buffer.alloc(32, 0xab), Buffer.alloc(32)])
  const written = (hashes: Buffer, maxBytes?: number): MemberIndex | undefined => {
    const writer = new MemberIndexWriter(maxBytes)
    for (const member of members) writer.add(member)
    return writer.finish(hashes)
  }

  it('come back with their files', () => {
    const index = written(bytes) as MemberIndex
    expect([...readMemberIndex(index)]).toEqual(members)
    expect(() => [...readMemberIndex({ ...index, sha256: bytes.subarray(1).toString('base64') })]).toThrow(
      expect.objectContaining({ code: 'INTEGRITY' }),
    )
    expect(() => [...readMemberIndex({ ...index, sha256: `${bytes.toString('hex')}` })]).toThrow(
      expect.objectContaining({ code: 'INTEGRITY' }),
    )
  })

  it('are left out for another number of files, and where they do not fit', () => {
    expect(written(bytes.subarray(32))).not.toHaveProperty('sha256')
    expect(written(bytes, 110)).not.toHaveProperty('sha256')
  })
})
