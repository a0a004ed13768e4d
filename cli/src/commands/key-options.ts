import type { Database } from '@telegram-backup/database'
import { formatDay } from '@telegram-backup/engine/units/human-units.ts'
import { parseExpiry } from '@telegram-backup/engine/units/quantities.ts'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import type { Command } from 'commander'
import { describeCommand, type RunAction, usageError, withCatalog } from '#commands/command.ts'

/** What keys of the HTTP API and of doors have in common. */
interface Key {
  id: string
  name: string
  /** Null: it does not expire. */
  expires_at: Date | null
  revoked_at: Date | null
}

export const EXPIRES_HELP: Readonly<Record<string, string>> = {
  '--expires <when>': 'when the key stops working: 12h, 90d or 52w from now, or a date (default: never)',
}

/** Undefined: the key does not expire. Throws `USAGE`. */
export function expiryOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : parseExpiry(text)
}

/** `valid`, `valid until 2026-12-31`, `expired` or `revoked`. */
export function keyState({ revoked_at, expires_at }: Key, now: Date): string {
  if (revoked_at !== null) return 'revoked'
  if (expires_at === null) return 'valid'
  return expires_at > now ? `valid until ${formatDay(expires_at)}` : 'expired'
}

/** Keys of one kind. */
interface KeyKind<One extends Key> {
  /** `API key` or `door key`. */
  called: string
  /** The group of commands: `apikey` or `doorkey`. */
  group: string
  /** What names one besides its id and its name; undefined where nothing does. */
  other?: { called: string; of: (key: One) => string }
  list: (database: Database) => Promise<One[]>
  revoke: (database: Database, id: string) => Promise<unknown>
  /** A name or the beginning of an id, for the help. */
  examples: readonly string[]
}

/** `apikey revoke` and `doorkey revoke`. */
export function registerKeyRevoke<One extends Key>(group: Command, run: RunAction, kind: KeyKind<One>): void {
  const other = kind.other === undefined ? '' : `, its ${kind.other.called}`
  describeCommand(group.command('revoke'), {
    description: 'revoke a key; from now on, requests with this key are refused',
    argument: [
      '<id>',
      `the id of the key from "telegram-backup ${kind.group} list", its first eight characters${other}, or its name if only one key in use has that name`,
    ],
    examples: kind.examples.map(which => `telegram-backup ${kind.group} revoke ${which}`),
  }).action((which: string, options: { json?: boolean }) =>
    run(async context => {
      const id = await withCatalog(context, async database => {
        const key = keyMeant(await kind.list(database), which, kind)
        await kind.revoke(database, key.id)
        return key.id
      })
      context.output.outcome({ success: true, id, revoked: true }, () => `Key ${id} is revoked.`)
      return ExitCode.DONE
    }, options),
  )
}

/** The key that the user means. Throws `NOT_FOUND`, and `USAGE` if several keys match. */
function keyMeant<One extends Key>(keys: readonly One[], which: string, kind: KeyKind<One>): One {
  const start = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/i.test(which) ? which.toLowerCase() : undefined
  const now = new Date()
  const [key, ...others] = keys.filter(one => {
    if (start !== undefined && one.id.startsWith(start)) return true
    if (kind.other?.of(one) === which) return true
    return one.name === which && isInUse(one, now)
  })
  const words = JSON.stringify(which.slice(0, 80))
  if (key === undefined) {
    const other = kind.other === undefined ? '' : `, the ${kind.other.called}`
    throw new BackupError(`No ${kind.called} has the id${other} or the name ${words}`, {
      code: 'NOT_FOUND',
      hint: `telegram-backup ${kind.group} list shows the keys. Give at least the first eight characters of an id.`,
    })
  }
  if (others.length === 0) return key
  const ids = [key, ...others].map(({ id, name }) => `${id} (${name})`).join(', ')
  throw usageError(`Several keys match ${words}`, `Give the id of one: ${ids}.`)
}

/** A name only matches keys in use, because a new key may have the name of a revoked one. */
function isInUse({ revoked_at, expires_at }: Key, now: Date): boolean {
  return revoked_at === null && (expires_at === null || expires_at > now)
}
