import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BackupName,
  backupFileName,
  manifestFileName,
  packFileName,
  partFileName,
} from '#messages/file-names.ts'
import { emulatedChat } from '#test/emulated-chat.ts'
import { projectId } from '#test/project-ids.ts'

const filename = fc.oneof(
  fc.constantFrom(
    'dump.sql',
    'x.tar',
    'x.json',
    '.bashrc',
    'noextension',
    'a.b.c.d',
    'x.',
    'x.ÄÖÜ',
    'x.SQL',
    'x.sql ',
  ),
  fc.string(),
)
const backupName: fc.Arbitrary<BackupName> = fc.record({
  project: projectId,
  type: fc.constantFrom('database', 'storage', 'logs'),
  createdAt: fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
  id: fc.uuid(),
  filename,
})
const partNumber = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 99_999 }))

function nameOf(backup: BackupName, number: number, last = false): string {
  return partFileName(backup, { number, last, encrypted: true })
}

/** As the shell does it, for a glob of plain characters and stars. */
function matches(name: string, glob: string): boolean {
  const pattern = glob.split('*').map(piece => piece.replace(/[.+^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pattern.join('.*')}$`).test(name)
}

describe('the names of a backup’s files', () => {
  test('are of characters that need no cleaning, and their stem has at most 64', () => {
    fc.assert(
      fc.property(backupName, partNumber, fc.boolean(), fc.boolean(), (backup, number, last, encrypted) => {
        const names = [
          partFileName(backup, { number, last, encrypted }),
          manifestFileName(backup, encrypted),
          backupFileName(backup),
        ]
        for (const name of names) {
          expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*\.[a-z0-9]{1,16}$/)
          expect(name.lastIndexOf('.')).toBeLessThanOrEqual(64)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('of a pack say its bucket and whether it is of a checkpoint, and need no cleaning', () => {
    fc.assert(
      fc.property(
        fc.record({
          bucket: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
          packId: fc.uuid(),
          createdAt: fc.date({
            min: new Date('2000-01-01'),
            max: new Date('2099-12-31'),
            noInvalidDate: true,
          }),
          isCheckpoint: fc.boolean(),
        }),
        fc.boolean(),
        (pack, encrypted) => {
          const name = packFileName(pack, encrypted)
          expect(name).toMatch(/^[a-z0-9][A-Za-z0-9._-]*\.(age|zst)$/)
          expect(name.lastIndexOf('.')).toBeLessThanOrEqual(64)
          expect(name.startsWith(pack.bucket.slice(0, 15))).toBe(true)
          expect(name.includes('_checkpoint_')).toBe(pack.isCheckpoint)
        },
      ),
    )
  })

  test('sort in the order of the parts', () => {
    fc.assert(
      fc.property(backupName, fc.integer({ min: 2, max: 400 }), fc.nat(99_000), (backup, count, from) => {
        const names = Array.from({ length: count }, (_, index) =>
          nameOf(backup, from + index + 1, index === count - 1),
        )
        expect(names.toSorted()).toEqual(names)
        expect(new Set(names).size).toBe(count)
      }),
      { numRuns: 50 },
    )
  })

  test('sort by time among the backups of one project and type', () => {
    fc.assert(
      fc.property(backupName, fc.uuid(), fc.integer({ min: 1, max: 10 ** 9 }), (backup, id, seconds) => {
        const later = { ...backup, id, createdAt: new Date(backup.createdAt.getTime() + seconds * 1000) }
        expect([nameOf(later, 1), nameOf(backup, 1)].toSorted()).toEqual([
          nameOf(backup, 1),
          nameOf(later, 1),
        ])
      }),
    )
  })

  test('differ between backups of one second, and carry the project as far as there is room', () => {
    fc.assert(
      fc.property(backupName, fc.uuid(), (backup, id) => {
        fc.pre(id.slice(0, 8) !== backup.id.slice(0, 8))
        expect(nameOf({ ...backup, id }, 1)).not.toBe(nameOf(backup, 1))
        const [shown] = nameOf(backup, 1).split(`_${backup.type}_`)
        expect(backup.project.startsWith(shown ?? '?')).toBe(true)
        expect(shown?.length).toBeGreaterThanOrEqual(Math.min(13, backup.project.length))
      }),
    )
  })

  test('of parts match the glob of the restore line, that of the manifest does not', () => {
    fc.assert(
      fc.property(backupName, partNumber, fc.boolean(), (backup, number, last) => {
        const manifest = manifestFileName(backup, true)
        const stem = manifest.slice(0, -'_manifest.zst.age'.length)
        for (const glob of [`${stem}.*.age`, `${backupFileName(backup)}.*.age`]) {
          expect(matches(nameOf(backup, number, last), glob)).toBe(true)
          expect(matches(manifest, glob)).toBe(false)
        }
      }),
    )
  })

  test('read so', () => {
    const backup = {
      project: 'shop',
      type: 'database',
      createdAt: new Date('2026-11-24T05:33:00.123Z'),
      id: '0b6f6a52-3d0c-4f7e-8a53-5d2f6f0f9a11',
      filename: 'Dump.SQL',
    }
    expect(backupFileName(backup)).toBe('shop_database_20261124T053300Z_0b6f6a52.sql')
    expect(nameOf(backup, 3)).toBe('shop_database_20261124T053300Z_0b6f6a52.sql.00003.zst.age')
    expect(nameOf(backup, 7, true)).toBe('shop_database_20261124T053300Z_0b6f6a52.sql.00007e.zst.age')
    expect(nameOf(backup, 1, true)).toBe('shop_database_20261124T053300Z_0b6f6a52.sql.zst.age')
    expect(partFileName(backup, { number: 1, last: true, encrypted: false })).toMatch(/\.sql\.zst$/)
    expect(manifestFileName(backup, true)).toBe('shop_database_20261124T053300Z_0b6f6a52_manifest.zst.age')
  })

  test('come back from the server’s cleaning unchanged', async () => {
    const chat = await emulatedChat()
    const send = async (fileName: string): Promise<string> => {
      const document = { chatId: String(chat.chatId), fileName, bytes: Buffer.from('x'), caption: '' }
      return (await chat.client.sendDocument(document)).fileName
    }
    await fc.assert(
      fc.asyncProperty(backupName, partNumber, fc.boolean(), async (backup, number, last) => {
        for (const name of [nameOf(backup, number, last), manifestFileName(backup, true)]) {
          expect(await send(name)).toBe(name)
        }
      }),
      { numRuns: 60 },
    )
  })
})
