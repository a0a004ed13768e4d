import { BackupError, type Hint, hint, option } from '@telegram-backup/errors'
import { firstError } from '#postgres/psql.ts'

const HINTS: ReadonlyArray<[RegExp, string | Hint]> = [
  [/role "[^"]*" does not exist/, hint`Make the role first, or give ${option('create-roles')}.`],
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
    'The dump gives something to that role, which only its members can do: GRANT it TO the role that restores (as a superuser, or as who may administer it), or restore as a superuser if you trust whoever wrote into the source.',
  ],
  [
    /language "plpgsql" does not exist/,
    'A restore needs PL/pgSQL in the target, where every new database has it: CREATE EXTENSION plpgsql.',
  ],
  [
    // PostgreSQL also says this to the owner of the database, about a role that gets an object.
    /permission denied for schema/,
    'Who restores, and each role that the dump gives an object to, must be allowed to create there: restore as the owner of the database, and GRANT CREATE ON SCHEMA … TO such a role; or restore as a superuser if you trust whoever wrote into the source.',
  ],
  [/must be (superuser|owner)|permission denied/, 'Restore as the owner of the database, or as a superuser.'],
  [
    /unrecognized configuration parameter|syntax error/,
    'The dump may come from a newer PostgreSQL than the target’s; restore into one at least as new.',
  ],
  [/No space left on device|could not extend file/, 'Free room on the server’s disk.'],
  [/locale|collation|encoding|LC_C/, 'The target server lacks the source’s locale: install it there.'],
  [/tablespace "[^"]*" does not exist/, 'Make the tablespace on the server first.'],
  [
    /being accessed by other users/,
    'Sessions come back faster than they can be ended: stop the application.',
  ],
]

/** Why PostgreSQL refused. Details, which may repeat rows, stay out. */
export function refusedByPostgres(what: string, words: string): BackupError {
  const reason = firstError(words).replace(/^psql:[^:]*:\d+: /, '')
  const hint = HINTS.find(([pattern]) => pattern.test(reason))?.[1]
  return new BackupError(`${what}: ${reason}`, { code: 'POSTGRES', hint })
}
