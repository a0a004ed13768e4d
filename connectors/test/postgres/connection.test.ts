import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  atDatabase,
  libpqEnvironment,
  parsePostgresUrl,
  urlAtDatabase,
  withoutPassword,
} from '#postgres/connection.ts'

describe('a database URL', () => {
  test('keeps user, host, port and database, and gives the password to the environment alone', () => {
    const connection = parsePostgresUrl('postgresql://app:s%40cret@db.example:5433/shop?sslmode=require')
    expect(connection.uri).toBe('postgresql://app@db.example:5433/shop?sslmode=require')
    expect(connection.environment['PGPASSWORD']).toBe('s@cret')
    expect(connection).toMatchObject({
      database: 'shop',
      host: 'db.example',
      display: 'app@db.example:5433/shop',
    })
  })

  test('may name a Unix socket, several hosts, or nothing at all', () => {
    expect(parsePostgresUrl('postgres://u@%2Fvar%2Frun%2Fpostgresql/d').host).toBe('/var/run/postgresql')
    expect(parsePostgresUrl('postgresql:///d?host=/tmp&port=5499').host).toBe('/tmp')
    expect(parsePostgresUrl('postgresql://a:1,b:2/d').uri).toBe('postgresql://a:1,b:2/d')
    expect(parsePostgresUrl('postgresql://')).toMatchObject({ uri: 'postgresql:///' })
  })

  test('of another database of the server keeps all else, whatever its name is', () => {
    const word = fc
      .string({ minLength: 1, unit: 'grapheme-ascii' })
      .map(text => (text.length % 2 === 0 ? text : `é\n${text}🐘`))
    const names = fc.oneof(
      word,
      fc.constantFrom('a b', "dbname=x host='y'", 'postgresql://u@h/d', '/', '?x=1', '%2F'),
    )
    fc.assert(
      fc.property(names, word, word, fc.boolean(), (name, user, password, isParameter) => {
        const [shownUser, secret] = [encodeURIComponent(user), encodeURIComponent(password)]
        const url = isParameter
          ? `postgresql://${shownUser}@h:5433/?password=${secret}&dbname=old&sslmode=require`
          : `postgresql://${shownUser}:${secret}@h:5433/old?sslmode=require`
        const moved = urlAtDatabase(url, name)
        const { uri, environment, database, host } = parsePostgresUrl(moved)
        expect({ database, host }).toEqual({ database: name, host: 'h' })
        expect(environment['PGPASSWORD']).toBe(password)
        expect(uri).toBe(atDatabase(parsePostgresUrl(url), name).uri)
      }),
    )
  })

  test('never keeps a secret in the URI or in what people read, wherever it stood', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12, unit: 'grapheme-ascii' }), secret => {
        const encoded = encodeURIComponent(secret)
        for (const url of [
          `postgresql://u:${encoded}@h/d`,
          `postgresql://u@h/d?password=${encoded}`,
          `postgresql://u@h/d?x=1&password=${encoded}&y=2`,
        ]) {
          const { uri, display, environment } = parsePostgresUrl(url)
          expect(uri + display).not.toContain(encoded)
          expect(environment['PGPASSWORD']).toBe(secret)
        }
      }),
    )
  })

  test.each([
    'mysql://u@h/d',
    'shop',
    'postgresql://u:p@ss@h/d',
    'postgresql://u:p/ss@h/d',
    'postgresql://u:p/ss@h',
    'postgresql://u:p?ss@h/d',
    'postgresql://u:1/ss@h',
    'postgresql://u:1?ss@h/d',
    'postgresql://u:1?2=ss@h/d',
    'postgresql://%zz/d',
    'postgresql://u@h/d?sslpassword=ss@h',
  ])('%s is refused without being repeated', url => {
    let message = ''
    try {
      parsePostgresUrl(url)
    } catch (error) {
      message = `${(error as Error).message} ${(error as { code?: string }).code}`
    }
    expect(message).toMatch(/USAGE$/)
    expect(message).not.toContain('ss@')
  })

  test('can be turned to another database of the same server, whatever its name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), name => {
        const other = atDatabase(parsePostgresUrl('postgresql://u:p@h:1/d?dbname=e&sslmode=disable'), name)
        expect(other.database).toBe(name)
        expect(parsePostgresUrl(other.uri).database).toBe(name)
        expect(other.uri).toContain('sslmode=disable')
        expect(other.environment['PGPASSWORD']).toBe('p')
      }),
    )
  })
})

test('client programs see libpq’s variables, the path and the home, and no other secret', () => {
  const seen = libpqEnvironment({
    PATH: '/bin',
    HOME: '/h',
    PGPASSFILE: '/p',
    PGCLIENTENCODING: 'LATIN1',
    TELEGRAM_BOT_TOKEN: 'secret',
    DATABASE_URL: 'secret',
  })
  expect(seen).toMatchObject({ PATH: '/bin', HOME: '/h', PGPASSFILE: '/p', LC_ALL: 'C' })
  expect(Object.values(seen)).not.toContain('secret')
  expect(seen).not.toHaveProperty('PGCLIENTENCODING')
})

test('what a program repeats of the password is hidden, and no name that is the same', () => {
  const connection = parsePostgresUrl('postgresql://app:s%40cret@db/shop')
  expect(withoutPassword('tried app:s%40cret@db, s@cret, and s@crets', connection)).toBe(
    'tried app:[hidden]@db, [hidden], and s@crets',
  )
  const same = parsePostgresUrl('postgresql://shop:shop@db/live')
  expect(withoutPassword('role "shop"', same)).toBe('role "shop"')
})
