import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePostgresUrl } from '@telegram-backup/connectors/postgres/connection.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planSource } from '#backup/send-plan.ts'
import { type ConfigFile, readConfigFile } from '#config/config-file.ts'
import { chooseSource } from '#config/source-settings.ts'

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
    count_rows: false
  uploads: { project: shop, type: storage, directory: "\${ROOT}/uploads", exclude: [cache, "*.tmp"], limit_rate: 500k }
targets:
  staging: { postgres: "postgresql://restore@staging/shop" }
`

/** The setting is in line 4. */
const sourceWith = (setting: string): string =>
  `sources:\n  a:\n    { project: p, type: database, postgres: "postgresql://h/d",\n      ${setting} }\n`

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
      count_rows: false,
    })
    expect(file.source('uploads')).toMatchObject({ directory: '/srv/uploads', exclude: ['cache', '*.tmp'] })
    expect(file.target('staging')).toEqual({ postgres: 'postgresql://restore@staging/shop' })
  })

  it('is as the example in the folder of the sources says', async () => {
    const readme = await readFile(
      join(import.meta.dirname, '..', '..', '..', 'connectors', 'README.md'),
      'utf8',
    )
    const [, example = ''] = /```yaml\n([^`]*)```/.exec(readme) ?? []
    const file = await read(example, { SHOP_PASSWORD: 'pw' })
    expect(file.sourceNames).toEqual(['shop', 'uploads', 'cluster', 'nginx'])
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
    const connection = parsePostgresUrl(file.target('a').postgres ?? '')
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
    [
      'a source of nothing',
      'sources:\n  a: { project: p, type: logs }',
      2,
      /sources\.a: names nothing to read; give/,
    ],
    [
      'a source of two things',
      'sources:\n  b: { project: p, type: logs, file: f }\n  a: { project: p, type: logs, directory: d, file: f }',
      3,
      /sources\.a: has directory and file; give one/,
    ],
    [
      'a source of an empty path',
      'sources:\n  a: { project: p, type: logs, directory: "" }',
      2,
      /sources\.a: directory is empty; say/,
    ],
    ['a target of nothing', 'targets:\n  a: { project: p }', 2, /targets\.a: names nothing to restore into/],
    [
      'a target of two things',
      'targets:\n  a: { postgres: "postgresql://h/d", directory: /d }',
      2,
      /targets\.a: has postgres and directory; give one/,
    ],
    [
      'a target of a relative path',
      'targets:\n  a: { directory: restored }',
      2,
      /targets\.a: directory is no absolute path/,
    ],
    [
      'what cannot be allowed',
      'sources:\n  a: { project: p, type: storage, directory: d,\n    allow: [vanished, foo] }',
      3,
      /a\.allow: write any of unreadable, vanished, changed, empty/,
    ],
    ['no expiry', sourceWith('expires: never'), 4, /a\.expires: write 12h, 30d, 8w, or a date .* pin/],
    ['a number as expiry', sourceWith('expires: 30'), 4, /a\.expires: write 12h/],
    ['an expiry at once', sourceWith('expires: 0d'), 4, /a\.expires: write 12h/],
    ['a rate of next to nothing', sourceWith('limit_rate: 7'), 4, /a\.limit_rate: write bytes per second/],
    ['a span without a unit', sourceWith('lock_timeout: 60'), 4, /a\.lock_timeout: .* a unit/],
    [
      'a source that is overdue at once',
      sourceWith('no_backup_for: 5s'),
      4,
      /a\.no_backup_for: .* a minute at least/,
    ],
    ['a tag', 'sources: !!js/function "x"', 1, /./],
    ['a list', '- a', 1, /./],
  ])('%s is refused with its line', async (_, text, line, words) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringMatching(new RegExp(`line ${line}, column \\d+: .*`)),
    })
    await expect(read(text)).rejects.toThrow(words)
  })

  it('a setting that comes from a variable is read when it is filled in', async () => {
    const text = sourceWith(`expires: "\${END}", limit_rate: "\${RATE}", lock_timeout: "\${SPAN}"`)
    const file = await read(text, { END: '8w', RATE: '2k', SPAN: '9s' })
    expect(planSource(file.source('a'))).toMatchObject({
      ...{ bytesPerSecond: 2048, expiresAt: expect.any(Date) },
      source: { options: { lockTimeoutMs: 9000 } },
    })
    const wrong = await read(text, { END: 'never', RATE: '2k', SPAN: '9s' })
    expect(() => planSource(wrong.source('a'))).toThrow(/always has an expiry/)
  })

  it('a date of expiry that has passed ends the backups of its source, not the use of the file', async () => {
    const file = await read(`${sourceWith('expires: 2020-01-31')}  b: { project: p, type: logs, file: f }\n`)
    expect(() => planSource(file.source('a'))).toThrow(/not in the future/)
    expect(() => planSource(file.source('b'))).not.toThrow()
  })

  it('never repeats what stands in the file', async () => {
    for (const text of [
      'sources:\n  a: { project: p, type: s3cret, postgres: postgresql://u:s3cret@h/d }',
      'sources:\n  a: "s3cret',
      's3cret',
      'sources: { a: { project: p, type: logs, postgres: [s3cret] } }',
      'sources: *s3cret',
      'sources: { a: { project: p, type: logs, directory: d, allow: s3cret } }',
      'sources: { a: { project: p, type: logs, file: s3cret, postgres: "postgresql://u:s3cret@h/d" } }',
      sourceWith('expires: s3cret'),
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

  it.each(['targets', 'http', 'notifications', 'retention', 'verification'])(
    'a mistake below "%s:" gets a hint about that',
    async section => {
      const failure = read(`${section}:\n  colour: 7\n`).then(file => file.notifications())
      await expect(failure).rejects.toMatchObject({
        ...{ code: 'CONFIGURATION', message: expect.stringContaining('line 2') },
        hint: expect.stringContaining(`below "${section}:"`),
      })
    },
  )

  it('a setting of a source that there is none of gets those that there are', async () => {
    const text = 'sources:\n  a: { project: p, type: database, exclude_table_dat: x }\n'
    await expect(read(text)).rejects.toMatchObject({
      ...{ code: 'CONFIGURATION', message: expect.stringContaining('line 2') },
      hint: expect.stringContaining('exclude_table_data,'),
    })
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
