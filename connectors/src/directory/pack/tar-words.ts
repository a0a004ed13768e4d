import { shownBytes } from '@telegram-backup/archive'
import type { SkippedFile } from '#allowances.ts'
import { QUOTED_NAME, relativeName, unquoteName } from '#directory/pack/quoted-names.ts'

export type TarWord =
  /** Such a file may be allowed by name. */
  | { kind: SkippedFile['reason']; name: Buffer }
  /** Changed, but never by growth alone: tar filled its place up with zeros. */
  | { kind: 'shrank'; name: Buffer }
  /** Nothing important is missing: a socket, another file system, an attribute that only root may read. */
  | { kind: 'note'; text: string }
  /** There were errors, each with its own line before. */
  | { kind: 'end' }
  | { kind: 'error'; text: string }

const NAMED = new RegExp(`^(${QUOTED_NAME}): (.*)$`)

const REASONS: ReadonlyArray<{ form: RegExp; kind: SkippedFile['reason'] | 'shrank' | 'note' }> = [
  { form: /^Warning: /, kind: 'note' },
  { form: /^Cannot [\w ]+: (Permission denied|Operation not permitted)$/, kind: 'unreadable' },
  { form: /^Cannot [\w ]+: No such file or directory$/, kind: 'vanished' },
  { form: /^(File|Directory) removed before we read it$/, kind: 'vanished' },
  { form: /^file changed as we read it$/, kind: 'changed' },
  { form: /^File shrank by \d+ bytes?; padding with zeros$/, kind: 'shrank' },
  { form: /^(socket|door) ignored$/, kind: 'note' },
  { form: /^file is on a different filesystem; not dumped$/, kind: 'note' },
]

/**
 * Reads a line that GNU tar wrote to stderr in the C locale with `--quoting-style=c`. A line that is not
 * known to be harmless is an error: a message of a newer tar must not pass for a good backup.
 * @param line Latin-1
 */
export function parseTarWord(line: string): TarWord {
  const text = line.replace(/^\S*tar: /, '').trim()
  if (/^Exiting with failure status due to previous errors$/.test(text)) return { kind: 'end' }
  const [, quoted = '', reason = ''] = NAMED.exec(text) ?? []
  // Members are named from the top of the directory; another name is one of our arguments.
  const known = /^"\.["/]/.test(quoted) ? REASONS.find(({ form }) => form.test(reason)) : undefined
  if (known === undefined) return { kind: 'error', text: text.slice(0, 500) }
  const name = relativeName(unquoteName(quoted))
  return known.kind === 'note'
    ? { kind: 'note', text: `${shownBytes(name)}: ${reason}` }
    : { kind: known.kind, name }
}
