import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { decryptAgeFile, encryptAgeFile } from '#age-file.ts'
import { joined } from '#encryption.ts'
import { generateIdentity, readIdentityFile, recipientOf } from '#index.ts'
import { archiveOf, dumpText, KEYS, noise, sha256 } from '#test/sample-archives.ts'

const CHUNK = 65_536
const EDGES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 1024 * 1024]
const golden = join(import.meta.dirname, 'golden')

let folder = ''
beforeAll(() => {
  for (const program of ['age', 'age-keygen', 'zstd', 'tar', 'bash']) {
    if (spawnSync(program, ['--version']).error) throw new Error(`This test needs the program ${program}`)
  }
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'archive-programs-'))
  writeFileSync(join(folder, 'key.txt'), `${KEYS.identity}\n`)
})
afterEach(() => rmSync(folder, { recursive: true }))

function run(program: string, args: string[], input?: Uint8Array): Buffer {
  const child = spawnSync(program, args, { cwd: folder, maxBuffer: 2 ** 30, ...(input && { input }) })
  if (child.status !== 0) throw new Error(`${program} ended with ${child.status}: ${child.stderr}`)
  return child.stdout
}

/** The script under "Restoring by hand", for another backup's name and key. */
function restoreScript(name: string): string {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'format.md'), 'utf8')
  const script = /^```bash\n(set -eu[^`]+)```/m.exec(text)?.[1] ?? ''
  expect(script).toContain('name=')
  return script.replace(/^name=.*$/m, `name=${name}`)
}

function writeParts(
  name: string,
  parts: readonly { number: number; last: boolean; bytes: Uint8Array }[],
): void {
  for (const { number, last, bytes } of parts) {
    const ending = last && number === 1 ? '' : `.${String(number).padStart(5, '0')}${last ? 'e' : ''}`
    writeFileSync(join(folder, `${name}${ending}.zst.age`), bytes)
  }
}

describe('the age program', () => {
  it.each(EDGES)('opens what we encrypt, and we open what it encrypts: %d bytes', async size => {
    const plain = noise(size)
    expect(
      run('age', ['-d', '-i', 'key.txt'], await encryptAgeFile(plain, [KEYS.recipient])).equals(plain),
    ).toBe(true)
    const theirs = run('age', ['-r', KEYS.recipient], plain)
    expect(joined(await decryptAgeFile(theirs, [KEYS.identity])).equals(plain)).toBe(true)
  })

  it('makes identity files that we read, and opens files for several recipients with each of them', async () => {
    run('age-keygen', ['-o', 'other.txt'])
    const [identity = ''] = await readIdentityFile(join(folder, 'other.txt'))
    const recipient = await recipientOf(identity)
    expect(run('age-keygen', ['-y', 'other.txt']).toString().trim()).toBe(recipient)
    const stranger = await generateIdentity()
    const file = await encryptAgeFile(Buffer.from('both'), [stranger.recipient, KEYS.recipient, recipient])
    for (const keyFile of ['key.txt', 'other.txt']) {
      expect(run('age', ['-d', '-i', keyFile], file).toString()).toBe('both')
    }
    const theirs = run('age', ['-r', stranger.recipient, '-r', recipient], Buffer.from('both'))
    expect(joined(await decryptAgeFile(theirs, [identity])).toString()).toBe('both')
  })
})

describe('the script of docs/format.md', () => {
  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['one part', dumpText(5000)],
    ['several parts', Buffer.concat([dumpText(200_000), noise(100_000), Buffer.alloc(3_000_000)])],
  ])('restores %s', async (_, bytes) => {
    const { parts } = await archiveOf(bytes, { partSizeBytes: 60_000 })
    writeParts('shop.sql', parts)
    run('bash', ['-c', restoreScript('shop.sql')])
    expect(sha256(readFileSync(join(folder, 'restored.sql')))).toBe(sha256(bytes))
  })

  it('restores blocks of 1 MiB', async () => {
    const bytes = Buffer.concat([dumpText(3_500_000), noise(2_000_000)])
    writeParts('shop.sql', (await archiveOf(bytes, { partSizeBytes: 2_200_000 })).parts)
    run('bash', ['-c', restoreScript('shop.sql')])
    expect(sha256(readFileSync(join(folder, 'restored.sql')))).toBe(sha256(bytes))
  })

  it('fails when any part is missing, damaged or for another key', async () => {
    const { parts } = await archiveOf(noise(100_000), { partSizeBytes: 30_000 })
    expect(parts.length).toBeGreaterThan(3)
    const script = restoreScript('shop.sql')
    for (const missing of parts.keys()) {
      mkdirSync(join(folder, 'case'), { recursive: true })
      writeParts('case/shop.sql', parts.toSpliced(missing, 1))
      const child = spawnSync('bash', ['-c', `cp key.txt case; cd case; ${script}`], {
        cwd: folder,
        encoding: 'utf8',
      })
      expect(child).toMatchObject({ status: 1, stderr: expect.stringContaining('missing') })
      rmSync(join(folder, 'case'), { recursive: true })
    }
    const stranger = await generateIdentity()
    const cut = parts.with(1, { ...parts[1], bytes: parts[1]?.bytes.subarray(0, -1) } as (typeof parts)[0])
    writeParts('shop.sql', cut)
    expect(() => run('bash', ['-c', script])).toThrow('ended with')
    writeParts('shop.sql', parts)
    writeFileSync(join(folder, 'key.txt'), stranger.identity)
    expect(() => run('bash', ['-c', script])).toThrow('ended with')
  })

  it('restores the golden archive, and zstd alone the one without encryption', () => {
    cpSync(join(golden, 'encrypted'), folder, { recursive: true })
    cpSync(join(golden, 'identity-for-tests-only.txt'), join(folder, 'key.txt'))
    run('bash', ['-c', restoreScript('shop_database_20261124T053300Z_1b9d6bcd.sql')])
    const restored = readFileSync(join(folder, 'restored.sql'))
    expect(restored.equals(run('seq', ['1', '60000']))).toBe(true)
    const clear = readdirSync(join(golden, 'clear'))
      .filter(name => name.includes('.sql'))
      .toSorted()
    const joined = Buffer.concat(clear.map(name => readFileSync(join(golden, 'clear', name))))
    expect(run('zstd', ['-d', '-c'], joined).equals(restored)).toBe(true)
    const manifest = '_1b9d6bcd_manifest.zst.age'
    const text = run('bash', ['-c', `set -o pipefail; age -d -i key.txt *${manifest} | zstd -d -q`])
    expect(JSON.parse(JSON.parse(text.toString()).manifest).plainSha256).toBe(sha256(restored))
  })

  it.each([
    ['storage', 'shop_storage_20261124T053300Z_5d0c3e7a.tar'],
    ['logs', 'shop_logs_20261124T053300Z_6e1f4b8c.tar'],
    ['database', 'shop_database_20261124T053300Z_7f205c9d.sql'],
  ])('restores the golden archive of type %s', async (type, name) => {
    cpSync(join(golden, type), folder, { recursive: true })
    cpSync(join(golden, 'identity-for-tests-only.txt'), join(folder, 'key.txt'))
    run('bash', ['-c', restoreScript(name)])
    const readme = readFileSync(join(golden, 'README.md'), 'utf8')
    expect(readme).toContain(sha256(readFileSync(join(folder, 'restored.sql'))))
  })

  it('lists the members of a folder, and gets one of them out of the part that holds it', () => {
    cpSync(join(golden, 'storage'), folder, { recursive: true })
    cpSync(join(golden, 'identity-for-tests-only.txt'), join(folder, 'key.txt'))
    const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'format.md'), 'utf8')
    const [list = '', extract = ''] = [...text.matchAll(/^```bash\n(name=shop_storage[^`]+)```/gm)].map(
      ([, script]) => script,
    )
    const listed = run('bash', ['-c', `set -eu -o pipefail; ${list}`]).toString()
    expect(listed).toContain('[41472,38893,"file","many/numbers.txt"]\n')
    expect(listed).toContain('[2560,1,"file","caf\\udce9-latin1"]\n')
    expect(listed).toContain('number:3,plainOffset:32768,')
    for (const part of ['00001', '00002'])
      rmSync(join(folder, `shop_storage_20261124T053300Z_5d0c3e7a.tar.${part}.zst.age`))
    run('bash', ['-c', extract])
    expect(readFileSync(join(folder, 'many', 'numbers.txt')).equals(run('seq', ['1', '8000']))).toBe(true)
  })
})
