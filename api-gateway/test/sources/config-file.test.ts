import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConfigFile, readConfigFile } from '#config-file.ts'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { chooseSource } from '#sources/source-settings.ts'

let folder: string
let path: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-file-test-'))
  path = join(folder, 'telegram-backup.yaml')
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function read(
  text: string,
  environment: Record<string, string> = {},
  mode = 0o600,
): Promise<ConfigFile> {
  await writeFile(path, text)
  await chmod(path, mode)
  return readConfigFile({ configFile: undefined, stateFolder: folder }, environment)
}

const SHOP = `sources:
  shop:
    project: shop
    type: database
    postgres: postgresql://backup:\${SHOP_PASSWORD}@db.internal/shop
    exclude_table_data: sessions
    lock_timeout: 0
  uploads: { project: shop, type: storage, directory: "\${ROOT}/uploads", exclude: [cache, "*.tmp"], limit_rate: 500k }
targets:
  staging: { postgres: "postgresql://restore@staging/shop" }
`

describe('telegram-backup.yaml', () => {
  it('names sources and targets', async () => {
    const file = await read(SHOP, { SHOP_PASSWORD: 'pw', ROOT: '/srv' })
    expect(file).toMatchObject({
      path,
      sourceNames: ['shop', 'uploads'],
      targetNames: ['staging'],
      warnings: [],
    })
    expect(file.source('shop')).toEqual({
      project: 'shop',
      type: 'database',
      postgres: 'postgresql://backup:pw@db.internal/shop',
      exclude_table_data: ['sessions'],
      lock_timeout: '0',
    })
    expect(file.source('uploads')).toMatchObject({ directory: '/srv/uploads', exclude: ['cache', '*.tmp'] })
    expect(file.target('staging')).toEqual({ postgres: 'postgresql://restore@staging/shop' })
  })

  it('is as the example in the folder of the sources says', async () => {
    const readme = await readFile(new URL(import.meta.resolve('#sources/README.md')), 'utf8')
    const [, example = ''] = /```yaml\n([^`]*)```/.exec(readme) ?? []
    const file = await read(example, { SHOP_PASSWORD: 'pw' })
    expect(file.sourceNames).toEqual(['shop', 'uploads', 'nginx'])
    for (const name of file.sourceNames) expect(() => chooseSource(file.source(name))).not.toThrow()
  })

  it('takes any password from a variable, without a chance to name another host or add a setting', async () => {
    const file = await read(SHOP)
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), async password => {
        const value = password.trim().replaceAll('\0', '')
        if (value === '') return
        await writeFile(path, SHOP)
        const { source } = await readConfigFile(
          { configFile: path, stateFolder: folder },
          { SHOP_PASSWORD: value, ROOT: '/' },
        )
        const connection = parsePostgresUrl(source('shop').postgres ?? '')
        expect(connection.environment['PGPASSWORD']).toBe(value)
        expect(connection.host).toBe('db.internal')
      }),
      { numRuns: 50 },
    )
    expect(() => file.source('shop')).toThrow(/SHOP_PASSWORD/)
  })

  it('fills a parameter of a URL in without a chance to add another', async () => {
    const file = await read(
      `targets: { a: { postgres: "postgresql://h/d?password=\${PW}&sslmode=require" } }`,
      {
        PW: 'a&sslmode=disable',
      },
    )
    const connection = parsePostgresUrl(file.target('a').postgres)
    expect(connection.environment['PGPASSWORD']).toBe('a&sslmode=disable')
    expect(connection.uri).toContain('sslmode=require')
    expect(connection.uri).not.toContain('disable')
  })

  it('takes a value from the file that NAME_FILE names', async () => {
    const secret = join(folder, 'secret')
    await writeFile(secret, 'from file\n')
    const file = await read(SHOP, { SHOP_PASSWORD_FILE: secret })
    expect(file.source('shop').postgres).toContain('backup:from%20file@')
  })

  it('asks only for the variables of what is used', async () => {
    const file = await read(SHOP, { ROOT: '/srv' })
    expect(file.source('uploads').directory).toBe('/srv/uploads')
    expect(() => file.source('shop')).toThrow(
      expect.objectContaining({
        code: 'CONFIGURATION',
        message: expect.stringMatching(/SHOP_PASSWORD.*source "shop"/),
      }),
    )
  })

  it.each([
    [
      'an unknown key',
      'sources:\n  a: { project: p, type: logs, file: f }\n  b:\n    project: p\n    typ: logs',
      5,
      /b\.type|b\.typ/,
    ],
    ['an unknown section', 'sources: {}\nsource: {}', 2, /source: no such setting/],
    ['a wrong type', 'sources:\n  a:\n    project: p\n    type: photos', 4, /a\.type: write database/],
    ['a number for text', 'sources:\n  a:\n    project: 5\n    type: logs', 3, /a\.project: write text/],
    ['a name that is none', 'sources:\n  "../a": { project: p, type: logs }', 2, /a name has/],
    ['a key that stands twice', 'sources: {}\nsources: {}', 2, /no valid YAML/],
    ['a tab', 'sources:\n\ta: {}', 2, /no valid YAML/],
    ['a tag', 'sources: !!js/function "x"', 1, /./],
    ['a list', '- a', 1, /./],
  ])('%s is refused with its line', async (_, text, line, words) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringMatching(new RegExp(`line ${line}: .*`)),
    })
    await expect(read(text)).rejects.toThrow(words)
  })

  it('never repeats what stands in the file', async () => {
    for (const text of [
      'sources:\n  a: { project: p, type: s3cret, postgres: postgresql://u:s3cret@h/d }',
      'sources:\n  a: "s3cret',
      's3cret',
      'sources: { a: { project: p, type: logs, postgres: [s3cret] } }',
      'sources: *s3cret',
    ]) {
      const error = (await read(text).catch((reason: unknown) => reason)) as Error
      expect(error).toBeInstanceOf(Error)
      expect(`${error.message} ${JSON.stringify(error)}`, text).not.toContain('s3cret')
    }
  })

  it('warns of a password that everybody can read, not of one from a variable', async () => {
    const plain = 'targets: { a: { postgres: "postgresql://u:pw@h/d" } }'
    expect((await read(plain, {}, 0o644)).warnings.join()).toContain('chmod 600')
    expect((await read(plain, {}, 0o640)).warnings).toEqual([])
    expect((await read(SHOP, {}, 0o644)).warnings).toEqual([])
  })

  it('an unknown name is refused with those that there are', async () => {
    const file = await read(SHOP)
    expect(() => file.source('shopp')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('shop, uploads') }),
    )
    expect(() => file.target('toString')).toThrow(/toString/)
  })

  it('may be absent or empty, unless it was named', async () => {
    expect(await read('')).toMatchObject({ sourceNames: [], targetNames: [] })
    expect(await read('sources:\n')).toMatchObject({ sourceNames: [] })
    const nowhere = join(folder, 'nowhere')
    expect(await readConfigFile({ configFile: undefined, stateFolder: nowhere }, {})).toMatchObject({
      path: undefined,
    })
    await expect(readConfigFile({ configFile: nowhere, stateFolder: folder }, {})).rejects.toMatchObject({
      code: 'CONFIGURATION',
    })
  })
})
