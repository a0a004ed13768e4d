import { searchPath } from '#programs/search-path.ts'

/**
 * What PostgreSQL's programs get to see of our environment: libpq's own variables, never another secret. The encoding
 * of a dump is the database's own, and messages are in English, since they are read by a program.
 */
export function libpqEnvironment(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const own = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[0].startsWith('PG') && entry[1] !== undefined,
  )
  const { PGCLIENTENCODING: _, ...libpq } = Object.fromEntries(own)
  const { HOME } = environment
  return {
    PGCONNECT_TIMEOUT: '20',
    PGAPPNAME: 'telegram-backup',
    ...libpq,
    PATH: searchPath(environment),
    ...(HOME ? { HOME } : {}),
    LC_ALL: 'C',
  }
}
