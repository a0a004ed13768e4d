import { BackupError, hint, option } from '@telegram-backup/errors'
import { expect, test } from 'vitest'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { namingSource, namingTarget } from '#postgres/hide-place.ts'

const connection = parsePostgresUrl('postgresql://keeper:pw@db.internal:6543/shop_live')

function named(message: string, hint?: string): { message: string; code: string; hint?: string } {
  const error = new BackupError(message, { code: 'POSTGRES', ...(hint === undefined ? {} : { hint }) })
  return namingTarget(error, { name: 'staging', connection }) as BackupError
}

test.each([
  [
    'The database shop_live is not empty: it holds 3 tables',
    'The database of target staging is not empty: it holds 3 tables',
  ],
  [
    `PostgreSQL at ${connection.display} refused the login: password authentication failed for user "keeper"`,
    'PostgreSQL at target staging refused the login: password authentication failed for user "…"',
  ],
  [
    `PostgreSQL at ${connection.display} cannot be reached: connection to server at "db.internal" (10.1.2.3), port 6543 failed: Connection refused`,
    'PostgreSQL at target staging cannot be reached: connection to server at "…" failed: Connection refused',
  ],
  [
    `PostgreSQL at ${connection.display} refused the login: no pg_hba.conf entry for host "10.1.2.3", user "keeper", database "shop_live", no encryption`,
    'PostgreSQL at target staging refused the login: no pg_hba.conf entry for host "…", user "…", the database of target staging, no encryption',
  ],
  [
    'PostgreSQL at x refused: could not translate host name "db.internal" to address: Name or service not known',
    'PostgreSQL at x refused: could not translate host name "…" to address: Name or service not known',
  ],
  [
    'The database shop_live belongs to x, and keeper may not replace it',
    'The database of target staging belongs to x, and … may not replace it',
  ],
  [
    `PostgreSQL at ${connection.display} refused the login: database "shop_live" does not exist`,
    'PostgreSQL at target staging refused the login: the database of target staging does not exist',
  ],
  ['workshop_live and shop_lives are others', 'workshop_live and shop_lives are others'],
])('%s', (message, words) => {
  expect(named(message).message).toBe(words)
})

test('a hint names the temporary database by the name of the target; code and cause stay', () => {
  const { code, hint: words } = named(
    'Whether it is in is unknown',
    'Look whether shop_live_before_1a2b exists.',
  )
  expect([code, words]).toEqual(['POSTGRES', 'Look whether staging_before_1a2b exists.'])
})

test('a name with signs of patterns is taken as it is', () => {
  const odd = parsePostgresUrl('postgresql://a%2Bb@[::1]:5432/sh%24op.%2A')
  const error = new BackupError('The database sh$op.* is a template', { code: 'POSTGRES' })
  expect(namingTarget(error, { name: '$&', connection: odd })).toMatchObject({
    message: 'The database of target $& is a template',
  })
})

test('the words of others stay as they are, for the log alone', () => {
  const error = new Error('shop_live')
  expect(namingTarget(error, { name: 'staging', connection })).toBe(error)
})

test('of a source neither host nor user nor database is told, and the words of sentences stay', () => {
  const place = parsePostgresUrl('postgresql://nobody:pw@db.internal:6543/shop_live')
  const error = new BackupError(
    `The source shop cannot be backed up: PostgreSQL at ${place.display} refused the login: password authentication failed for user "nobody"`,
    { code: 'CONFIGURATION', hint: 'Check the name of the database.' },
  )
  expect(namingSource(error, { name: 'shop', connection: place })).toMatchObject({
    message:
      'The source shop cannot be backed up: PostgreSQL at source shop refused the login: password authentication failed for user "…"',
    code: 'CONFIGURATION',
    hint: 'Check the name of the database.',
  })
  const lost = new BackupError(
    'pg_dump failed: connection to server at "db.internal" (10.1.2.3), port 6543 failed: FATAL: role "nobody" is not permitted to log in',
    { code: 'SOURCE' },
  )
  expect(namingSource(lost, { name: 'shop', connection: place })).toMatchObject({
    message: 'pg_dump failed: connection to server at "…" failed: FATAL: role "…" is not permitted to log in',
  })
})

test('that the database of a source is not there is said of its database, not of one that has the name of the source', () => {
  const saying = (url: string, words: string): unknown => {
    const place = parsePostgresUrl(url)
    return namingSource(new BackupError(words, { code: 'CONFIGURATION' }), {
      name: 'broken',
      connection: place,
    })
  }
  const message = 'refused the login: the database of source broken does not exist'
  const words = 'refused the login: database "nosuchdb" does not exist'
  expect(saying('postgresql://u:pw@db.internal/nosuchdb', words)).toMatchObject({ message })
  expect(saying('postgresql://u:pw@db.internal/NoSuchDB', words)).toMatchObject({ message })
  expect(saying('postgresql://nosuchdb:pw@db.internal', words)).toMatchObject({ message })
})

test('the actions of a hint stay data, so that a request gets them in its own words', () => {
  const error = new BackupError('The database shop_live is not empty', {
    code: 'POSTGRES',
    hint: hint`Give ${option('overwrite')} to replace shop_live.`,
  })
  const { advice } = namingTarget(error, { name: 'staging', connection }) as BackupError
  expect(advice?.in(() => '"overwrite": true')).toBe('Give "overwrite": true to replace staging.')
})
