import { endOfTar, header, longName, member, pax } from '@telegram-backup/test-support/tar-writer.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { membersOfTar } from '#directory/members-of-tar.ts'
import { MemberRules, type TarMember } from '#directory/unpack/member-rules.ts'
import { TarInspector } from '#directory/unpack/tar-inspector.ts'
import type { OutsideAllowance } from '#restoring.ts'

type Heard = Omit<TarMember, 'attributes'> & { attributes: ReturnType<TarMember['attributes']> }

/** What an inspector hears of an archive that comes in pieces cut at these places. */
function heard(archive: Buffer, cuts: readonly number[] = [], allow?: readonly OutsideAllowance[]): Heard[] {
  const rules = new MemberRules(allow ?? [])
  const found: Heard[] = []
  const inspector = new TarInspector({
    check: one => {
      found.push({ ...one, attributes: one.attributes() })
      return rules.check(one)
    },
  })
  const ends = [...cuts.map(cut => cut % (archive.length + 1)), archive.length].sort((a, b) => a - b)
  let from = 0
  for (const end of ends) {
    inspector.inspect(archive.subarray(from, end))
    from = end
  }
  inspector.finish()
  return found
}

const whole = (...members: Buffer[]): Buffer => Buffer.concat([...members, endOfTar()])
const symlink = (name: string, target: string): Buffer => header({ name, type: '2', linkName: target })
const hardlink = (name: string, target: string): Buffer => header({ name, type: '1', linkName: target })
const folder = (name: string): Buffer => header({ name, type: '5' })
const file = (name: string): Buffer => member({ name, data: 'x' })

describe('an honest archive', () => {
  const archive = whole(
    folder('./'),
    file('./a'),
    symlink('./etc/alternatives/vi', '../../usr/bin/vim'),
    hardlink('./b', './a'),
    pax({ path: `${'./größe/'.repeat(30)}x`, size: '3' }),
    member({ name: 'short', data: 'abc' }),
    longName('L', `${'./long/'.repeat(30)}x`),
    file('short'),
    pax({ 'GNU.sparse.name': './sparse', 'GNU.sparse.major': '1' }),
    member({ name: './GNUSparseFile.1/sparse', data: 'x'.repeat(700) }),
    header({ name: './fifo', type: '6' }),
    symlink('./here', '.'),
  )

  it('passes, each member with the name that tar will use and the place where it begins', () => {
    const members = heard(archive)
    expect(members.map(({ name, type }) => [Buffer.from(name, 'latin1').toString(), type])).toEqual([
      ['./', '5'],
      ['./a', '0'],
      ['./etc/alternatives/vi', '2'],
      ['./b', '1'],
      [`${'./größe/'.repeat(30)}x`, '0'],
      [`${'./long/'.repeat(30)}x`, '0'],
      ['./sparse', '0'],
      ['./fifo', '6'],
      ['./here', '2'],
    ])
    expect(members.map(one => one.offset)).toEqual([0, 512, 1536, 2048, 2560, 4608, 6656, 9216, 9728])
  })

  it('is read the same wherever it is cut', () => {
    const expected = heard(archive)
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 40 }), cuts => {
        expect(heard(archive, cuts)).toEqual(expected)
      }),
    )
    expect(heard(archive, [...archive.keys()])).toEqual(expected)
  })

  it('is listed as the index would have it', async () => {
    const listed = await Array.fromAsync(
      membersOfTar(
        (async function* () {
          yield archive
        })(),
      ),
    )
    expect(listed.slice(0, 4)).toMatchObject([
      { path: '.', offset: 0, size: 0, kind: 'directory' },
      { path: 'a', offset: 512, size: 1, kind: 'file' },
      {
        path: 'etc/alternatives/vi',
        offset: 1536,
        size: 0,
        kind: 'symlink',
        attributes: { link: '../../usr/bin/vim' },
      },
      { path: 'b', offset: 2048, size: 0, kind: 'hardlink', attributes: { mode: 0o644, link: 'a' } },
    ])
  })
})

describe('a hostile archive is refused', () => {
  it.each([
    ['a name that climbs', whole(file('../x')), /leads out/],
    ['a name that climbs after a while', whole(file('a/../../x')), /leads out/],
    ['an absolute name', whole(file('/etc/passwd')), /absolute/],
    ['a name that climbs in an extended header', whole(pax({ path: 'a/../../x' }), file('a')), /leads out/],
    ['a long name that climbs', whole(longName('L', '../x'), file('a')), /leads out/],
    [
      'the name of a sparse file that climbs',
      whole(pax({ 'GNU.sparse.name': '../x' }), file('a')),
      /leads out/,
    ],
    [
      'two names of a sparse file, of which one climbs',
      whole(pax({ 'GNU.sparse.name': 'x', path: '../x' }), file('a')),
      /leads out/,
    ],
    ['an absolute link', whole(symlink('a', '/etc')), /leads out.*\/etc/],
    ['a link that climbs out', whole(symlink('d/a', '../../x')), /leads out/],
    ['a link that climbs by way of a name', whole(symlink('d/a', 'b/../../../x')), /leads out/],
    ['a link that is the directory itself', whole(symlink('.', 'x')), /directory itself/],
    ['a long link that leads out', whole(longName('K', '/etc'), symlink('a', 'x')), /leads out/],
    [
      'a link in an extended header that leads out',
      whole(pax({ linkpath: '/etc' }), symlink('a', 'x')),
      /leads out/,
    ],
    ['a member written through a link', whole(symlink('a', 'b'), file('a/x')), /through the link/],
    [
      'a folder that takes the place of a link',
      whole(symlink('a', 'b'), folder('a'), file('a/x')),
      /through the link/,
    ],
    ['a hard link that climbs', whole(hardlink('a', '../x')), /leads out/],
    ['a hard link that is absolute', whole(hardlink('a', '/etc/shadow')), /absolute/],
    ['a hard link through a link', whole(symlink('a', 'b'), hardlink('c', 'a/x')), /through the link/],
    [
      'a member through a hard link to a link',
      whole(symlink('a', 'b'), hardlink('c', 'a'), file('c/x')),
      /through/,
    ],
    ['a device', whole(header({ name: 'sda', type: '4' })), /device/],
    ['an unknown type', whole(header({ name: 'a', type: 'M' })), /unknown type/],
    [
      'a folder with data',
      whole(header({ name: 'a', type: '5', sizeBytes: 512 }), Buffer.alloc(512)),
      /has data/,
    ],
    ['a name for all members', whole(pax({ path: 'x' }, 'g'), file('a')), /for all members/],
    ['two extended headers', whole(pax({ path: 'x' }), pax({ path: 'y' }), file('a')), /two extended/],
    [
      'a long name and an extended header',
      whole(longName('L', 'x'), pax({ path: 'y' }), file('a')),
      /two extended/,
    ],
    [
      'the same record twice',
      whole(
        pax([
          ['path', 'x'],
          ['path', '../y'],
        ]),
        file('a'),
      ),
      /twice/,
    ],
    ['a record whose length lies', whole(pax({}, 'x', '99 path=x\n'), file('a')), /damaged/],
    ['a zero byte in a name', whole(pax({ path: 'a\0b' }), file('a')), /no valid name/],
    ['an empty name', whole(file('')), /no valid name/],
    ['a size that is none', whole(pax({ size: '-1' }), file('a')), /invalid size/],
    ['a damaged checksum', whole(Buffer.concat([file('a')]).fill('y', 3, 4)), /not a tar file/],
    ['something after its end', Buffer.concat([whole(file('a')), file('../x')]), /follows the end/],
    ['no members', endOfTar(), /holds nothing/],
    ['an end in the middle of data', whole(file('a')).subarray(0, 600), /middle of a member/],
    ['an end in the middle of a header', whole(file('a')).subarray(0, 100), /middle of a member/],
    [
      'an end before the member of an extended header',
      Buffer.concat([pax({ path: 'x' }), endOfTar()]),
      /middle/,
    ],
    ['something else than a tar file', Buffer.from('SELECT 1;'.repeat(200)), /not a tar file|invalid size/],
  ])('for %s', (_, archive, words) => {
    for (const cuts of [[], [...archive.keys()]])
      expect(() => heard(archive, cuts)).toThrow(
        expect.objectContaining({ code: 'UNRESTORABLE', message: expect.stringMatching(words) }),
      )
  })

  it('unless it is one’s own: links that lead out, never written through, and devices', () => {
    expect(heard(whole(symlink('a', '/etc')), [], ['outside-links'])).toHaveLength(1)
    expect(heard(whole(header({ name: 'null', type: '3' })), [], ['devices'])).toHaveLength(1)
    expect(() => heard(whole(symlink('a', '/etc'), file('a/passwd')), [], ['outside-links'])).toThrow(
      /through/,
    )
  })
})
