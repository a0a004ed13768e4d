import { BackupError, type Hint, hint, option } from '@telegram-backup/errors'
import { firstError } from '#postgres/psql.ts'

const HINTS: ReadonlyArray<[RegExp, string | Hint]> = [
  [
    /role "[^"]*" does not exist/,
    hint`Create the role first, or give ${option('create-roles')}; ${option('map-role', 'OLD=NEW')} gives what belongs to it to another role, and ${option('no-owner')} with ${option('no-acl')} restores neither owners nor privileges.`,
  ],
  [
    /out of shared memory|max_locks_per_transaction/,
    'Raise max_locks_per_transaction on the server (for example to 4096) and restart it.',
  ],
  [
    /extension "[^"]*" is not available|could not open extension control file/,
    'Install the extension’s package on the server.',
  ],
  [
    /must be (a )?member of role|must be able to SET ROLE/,
    hint`The dump makes that role the owner of something, and only a member of the role can do that. GRANT the role TO the restoring role (as a superuser, or as an administrator of the role); or give all to the restoring role with ${option('no-owner')}, or to another one with ${option('map-role', 'OLD=NEW')}. Or restore as a superuser, if you trust everybody who could write to the source.`,
  ],
  [
    /language "plpgsql" does not exist/,
    'A restore needs PL/pgSQL in the target (every new database has it): CREATE EXTENSION plpgsql.',
  ],
  [
    // PostgreSQL also says this to the owner of the database, about a role that gets an object.
    /permission denied for schema/,
    'The restoring role, and each role that owns an object of the dump, must be allowed to create objects there. Restore as the owner of the database, and GRANT CREATE ON SCHEMA … TO each such role. Or restore as a superuser, if you trust everybody who could write to the source.',
  ],
  [/must be (superuser|owner)|permission denied/, 'Restore as the owner of the database, or as a superuser.'],
  [
    /unrecognized configuration parameter|syntax error/,
    'The dump may come from a newer PostgreSQL than the target. Restore into a server that is at least as new as the source.',
  ],
  [/No space left on device|could not extend file/, 'Free room on the server’s disk.'],
  [/locale|collation|encoding|LC_C/, 'The target server lacks the source’s locale: install it there.'],
  [/tablespace "[^"]*" does not exist/, 'Create the tablespace on the server first.'],
  [
    /being accessed by other users/,
    'New sessions open faster than the restore can end them: stop the application.',
  ],
]

/** Why PostgreSQL refused. Details, which may repeat rows, stay out. */
export function refusedByPostgres(what: string, words: string): BackupError {
  const reason = firstError(words).replace(/^psql:[^:]*:\d+: /, '')
  const hint = HINTS.find(([pattern]) => pattern.test(reason))?.[1]
  return new BackupError(`${what}: ${reason}`, { code: 'POSTGRES', hint })
}
