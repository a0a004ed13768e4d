import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { readConfigDocument } from '#config/config-document.ts'
import { nearest } from '#config/setting-names.ts'
import { describedStructure } from '#config/setting-words.ts'

const places = (text: string): string[] =>
  readConfigDocument(text).problems.map(
    ({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`,
  )

describe('telegram-backup.yaml', () => {
  it('everything that is wrong is found at once, each at its place, and a misspelling only once', () => {
    const text = `sources:
  shop:
    project: shop
    typ: database
    exclude-table: [a]
    postgre: postgresql://u:s3cret@h/d
  three: { project: p, type: photos, file: /x,
    before: [quiesce], after: [[/bin/true], { run: [/bin/true], timeout: 9x }] }
target: {}
notifications: { webhok: "\${DATABASE_URL}" }
retention: { notice: 100d }
objects: { cache_bytes: 5M }
`
    expect(places(text)).toEqual([
      '4:5 sources.shop.typ: no such setting; did you mean type?',
      '5:5 sources.shop.exclude-table: no such setting; did you mean exclude_table?',
      '6:5 sources.shop.postgre: no such setting; did you mean postgres?',
      '7:24 sources.three.type: write database, storage or logs',
      '8:5 sources.three.before: begin with the absolute path of the program, such as /usr/local/bin/quiesce',
      '8:45 sources.three.after.1: timeout: write a whole number and a unit, from 1s to 1d: 30s, 5m or 1h',
      '9:1 target: no such setting; did you mean targets?',
      '10:18 notifications.webhok: no such setting; did you mean webhook?',
      expect.stringMatching(/^10:26 notifications\.webhok: \$\{DATABASE_URL\} is a secret of this program/),
      '11:14 retention.notice: write a time span of at most 90 days, such as 24h',
      '12:12 objects.cache_bytes: write bytes, 128M at least: 500M, 2G',
    ])
    expect(JSON.stringify(readConfigDocument(text).problems)).not.toContain('s3cret')
  })

  it.each([
    ['sources:\n\ta: {}', '2:1 : no valid YAML: a tab stands where YAML needs spaces'],
    ['sources: {}\nsources: {}', '2:1 : no valid YAML: this name stands twice'],
    ['a: *nothing', '1:1 : no valid YAML (an alias cannot be resolved)'],
    ['- list', '1:1 : write sections such as "sources:", each with its settings below it'],
    ['just text', '1:1 : write sections such as "sources:", each with its settings below it'],
  ])('%j is refused with its place', (text, place) => {
    expect(places(text)).toContain(place)
  })

  it.each([
    ['a list', '[/bin/true, 5]', [{ run: ['/bin/true', '5'] }]],
    ['lists', '[[/bin/true], [/bin/false, x]]', [{ run: ['/bin/true'] }, { run: ['/bin/false', 'x'] }]],
    ['one with a limit', '[{ run: [/bin/true], timeout: 30s }]', [{ run: ['/bin/true'], timeout: '30s' }]],
    ['none', '[]', []],
  ])('hooks may be written as %s', (_, written, read) => {
    const { contents } = readConfigDocument(
      `sources: { a: { project: p, type: logs, file: /f, after: ${written} } }`,
    )
    expect(contents?.sources['a']?.after).toEqual(read)
  })

  it.each([
    'quiesce --now',
    '[]x',
    '{}',
    '[[]]',
    '[/bin/true, [x]]',
    '["/bin/a\\0b"]',
    '[{ run: quiesce }]',
    '[../x]',
  ])('a hook is not %s', written => {
    expect(
      readConfigDocument(`sources: { a: { project: p, type: logs, file: /f, before: ${written} } }`).contents,
    ).toBeUndefined()
  })

  it('an unknown setting is found at its place, wherever it stands and however the file is written', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
    const entry = fc.constant({ project: 'p', type: 'logs', file: '/f', exclude: ['a', 'b'] })
    fc.assert(
      fc.property(
        fc.dictionary(name, entry, { minKeys: 1, maxKeys: 5 }),
        fc.nat(4),
        fc.constantFrom({}, { indent: 4 }, { collectionStyle: 'flow' as const }),
        (sources, which, style) => {
          const names = Object.keys(sources)
          const chosen = names[which % names.length] ?? ''
          const planted = { ...sources, [chosen]: { ...sources[chosen], zzzzzz: 'x' } }
          const text = stringify({ sources: planted }, style)
          const before = text.slice(0, text.indexOf('zzzzzz')).split('\n')
          expect(places(text)).toEqual([
            `${before.length}:${(before.at(-1)?.length ?? 0) + 1} sources.${chosen}.zzzzzz: no such setting`,
          ])
        },
      ),
    )
  })

  it('any text gives contents or problems within the text, and never throws', () => {
    const piece = fc.constantFrom(
      'sources:',
      '\n',
      '  ',
      'a: ',
      '{',
      '}',
      '[',
      '*x',
      '&x ',
      `\${A}`,
      '"',
      'type: ',
      '- ',
      '\t',
      '!!js ',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), pieces => {
        const text = pieces.join('')
        const { contents, problems } = readConfigDocument(text)
        expect(contents === undefined).toBe(problems.length > 0)
        const lines = text.split('\n').length
        for (const { line, column } of problems) {
          expect(line).toBeGreaterThan(0)
          expect(line).toBeLessThanOrEqual(lines + 1)
          expect(column).toBeGreaterThan(0)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('a name that was probably meant is found, and none for another word', () => {
    const names = ['type', 'postgres', 'exclude_table', 'limit_rate']
    expect(
      ['typ', 'Type', 'postgress', 'exclude-table', 'limitrate'].map(typed => nearest(typed, names)),
    ).toEqual(['type', 'type', 'postgres', 'exclude_table', 'limit_rate'])
    expect(nearest('cron', names)).toBeUndefined()
    expect(nearest('', names)).toBeUndefined()
  })
})

describe('the JSON schema for editors', () => {
  it('in docs is the one of the program; `telegram-backup config schema` prints it', async () => {
    const file = join(import.meta.dirname, '..', '..', '..', 'docs', 'telegram-backup.schema.json')
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(describedStructure())
  })

  it('explains each setting', () => {
    const silent: string[] = []
    const look = (schema: Record<string, unknown>, path: string): void => {
      for (const one of (schema['anyOf'] as Record<string, unknown>[] | undefined) ?? []) look(one, path)
      const { properties = {}, additionalProperties } = schema as {
        properties?: object
        additionalProperties?: unknown
      }
      for (const [name, below] of Object.entries(properties)) {
        if (typeof below.description !== 'string') silent.push(`${path}${name}`)
        look(below, `${path}${name}.`)
      }
      if (typeof additionalProperties === 'object')
        look(additionalProperties as Record<string, unknown>, `${path}*.`)
    }
    look(describedStructure(), '')
    expect(silent).toEqual([])
  })
})
