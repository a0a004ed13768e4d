import { BackupError, describeError, hint, option } from '@telegram-backup/errors'
import { needsSuperuserIn } from '#postgres/dump/superuser-facts.ts'

const HINT = hint`Drill on another server, best an empty one: ${option('on', 'postgresql://USER@HOST/postgres')}. Or, if you trust everybody who may change that database as much as yourself, use ${option('trust-dump')} (trust_dump: true for its source).`

/** pg_dump writes no such COPY: somebody who may write a function in the source did. */
const REACHES_OUT = /\bCOPY (?:to or from|to|from) (?:an external program|a file)/i
const REACHES_OUT_HINT =
  'A function that the dump calls (by a CHECK, an index, a trigger) wanted to start a program or open a file on the server. Find out who wrote it before you restore this backup anywhere as a superuser.'

export const UNCONFINED_NOTE =
  'That server could open every file that its account can open: the kernel or setpriv has no Landlock here.'

/** Throws `CONFIGURATION` for a backup that, by its record, only a superuser can restore. */
export function assertNeedsNoSuperuser(source: Readonly<Record<string, unknown>> | null): void {
  const needs = needsSuperuserIn(source)
  if (needs.length === 0) return
  const some = needs.slice(0, 5).map(({ kind, name }) => `${kind} ${name}`)
  const more = needs.length > some.length ? ', and more' : ''
  throw new BackupError(
    `Only a superuser can restore these objects of the backup: ${some.join(', ')}${more}`,
    {
      code: 'CONFIGURATION',
      hint: HINT,
    },
  )
}

const FOR_WANT_OF_RIGHTS =
  /\b(?:permission denied|must be (?:a )?superuser|must have the |must be owner of|must be (?:a )?member of role|must be able to SET ROLE|only (?:superusers|roles with)|can only be set by a superuser)/i

/** Explains a failure by missing rights: it says nothing about the backup. */
export function notRestorable(error: unknown): unknown {
  const { code, message } = describeError(error)
  if (code !== 'POSTGRES' || !FOR_WANT_OF_RIGHTS.test(message)) return error
  return new BackupError(`The dump contains a statement that only a superuser may run: ${message}`, {
    code: 'CONFIGURATION',
    hint: REACHES_OUT.test(message) ? REACHES_OUT_HINT : HINT,
    cause: error,
  })
}
