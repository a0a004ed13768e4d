import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createStatement,
  type DatabaseProperties,
  lastStatements,
  propertyStatements,
  rolesOf,
} from '#postgres/restore/database-properties.ts'
import { quoteName, quoteText, stemOf } from '#postgres/sql-text.ts'

const PROPERTIES: DatabaseProperties = {
  encoding: 'UTF8',
  collation: 'de_DE.UTF-8',
  ctype: 'C',
  locale_provider: 'icu',
  locale: 'de-DE',
  icu_rules: null,
  owner: 'o"wner',
  database_acl: ['=Tc/owner', '"o""wner"=CTc/"o""wner"', 'reader=c*/owner'],
  settings: [
    { role: null, name: 'search_path', value: '"we ird", "$user", public' },
    { role: null, name: 'temp_tablespaces', value: '""' },
    { role: 'reader', name: 'app.note', value: "it's" },
    { role: null, name: 'app.key', value: null },
  ],
  connection_limit: 7,
  comment: 'two\nlines',
}

describe('a database like another', () => {
  it('is made with its encoding and locale, as far as the server knows them', () => {
    const made = `CREATE DATABASE "x""y" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'de_DE.UTF-8' LC_CTYPE 'C'`
    expect(createStatement('x"y', PROPERTIES, 15)).toBe(`${made} LOCALE_PROVIDER icu ICU_LOCALE 'de-DE';`)
    expect(createStatement('x"y', PROPERTIES, 14)).toBe(`${made};`)
    expect(createStatement('x', undefined, 15)).toBe('CREATE DATABASE "x" TEMPLATE template0;')
  })

  it('gets its grants and settings, its owner after them, and what could keep us out at the end; a lost secret is left out', () => {
    expect(propertyStatements('d', PROPERTIES)).toEqual([
      'REVOKE ALL ON DATABASE "d" FROM PUBLIC;',
      'REVOKE ALL ON DATABASE "d" FROM CURRENT_USER;',
      'REVOKE ALL ON DATABASE "d" FROM "o""wner";',
      'GRANT TEMPORARY ON DATABASE "d" TO PUBLIC;',
      'GRANT CONNECT ON DATABASE "d" TO PUBLIC;',
      'GRANT CREATE ON DATABASE "d" TO "o""wner";',
      'GRANT TEMPORARY ON DATABASE "d" TO "o""wner";',
      'GRANT CONNECT ON DATABASE "d" TO "o""wner";',
      'GRANT CONNECT ON DATABASE "d" TO "reader" WITH GRANT OPTION;',
      `ALTER DATABASE "d" SET "search_path" TO 'we ird', '$user', 'public';`,
      `ALTER DATABASE "d" SET "temp_tablespaces" TO '';`,
      `ALTER ROLE "reader" IN DATABASE "d" SET "app"."note" TO 'it''s';`,
      'ALTER DATABASE "d" OWNER TO "o""wner";',
    ])
    expect(lastStatements('d', PROPERTIES)).toEqual([
      `COMMENT ON DATABASE "d" IS E'two\\nlines';`,
      'ALTER DATABASE "d" CONNECTION LIMIT 7;',
    ])
    expect([propertyStatements('d', undefined), lastStatements('d', undefined)]).toEqual([
      [],
      ['COMMENT ON DATABASE "d" IS NULL;'],
    ])
    expect(new Set(rolesOf(PROPERTIES))).toEqual(new Set(['o"wner', 'reader']))
  })
})

describe('text for SQL', () => {
  it('stays in one line and in its quotes, whatever it holds', () => {
    const any = fc.string({ unit: fc.constantFrom("'", '"', '\\', '\n', '\r', 'a', 'é', '$', ';') })
    fc.assert(
      fc.property(any, text => {
        const quoted = quoteText(text)
        expect(quoted).not.toMatch(/[\n\r]/)
        const inner = quoted.replace(/^E?'/, '').slice(0, -1)
        const meant = (
          quoted.startsWith('E') ? inner.replace(/\\(.)/g, (_, c) => ESCAPES[c] ?? c) : inner
        ).replaceAll("''", "'")
        expect(meant).toBe(text)
        const name = quoteName(text)
        expect(name).not.toMatch(/[\n\r]/)
        const innerName = name.replace(/^(?:U&)?"/, '').slice(0, -1)
        const meantName = name.startsWith('U')
          ? innerName.replace(/\\(000[ad]|\\)/g, (_, c) => ESCAPES[c] ?? c)
          : innerName
        expect(meantName.replaceAll('""', '"')).toBe(text)
      }),
    )
  })

  it('names are cut at a character where an ending would make them too long', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'ö', '悲', '🐘'), maxLength: 70 }), name => {
        const stem = stemOf(name, 19)
        expect(name.startsWith(stem)).toBe(true)
        expect(Buffer.byteLength(stem)).toBeLessThanOrEqual(44)
        expect(stem.isWellFormed()).toBe(true)
        if (Buffer.byteLength(name) <= 44) expect(stem).toBe(name)
      }),
    )
  })
})

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', '000a': '\n', '000d': '\r' }
