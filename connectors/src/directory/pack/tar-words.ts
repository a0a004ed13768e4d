import { shownBytes } from '@telegram-backup/archive'
import type { SkippedFile } from '#allowances.ts'
import { QUOTED_NAME, relativeName, unquoteName } from '#directory/pack/quoted-names.ts'

/** What a line of tar's stderr means. */
export type TarWord =
  /** One of the three that may be allowed. */
  | { kind: SkippedFile['reason']; name: Buffer }
  /** Changed as well, but in a way that is never mere growth: its place in the tar was filled up with zeros. */
  | { kind: 'shrank'; name: Buffer }
  /** Nothing of worth is missing: a socket, another file system, an attribute that only root may read. */
  | { kind: 'note'; text: string }
  /** That there were errors; each had its own line before. */
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
 * Reads a line that GNU tar wrote to stderr in the C locale with `--quoting-style=c`. Whatever is not known to be
 * harmless is an error: a message that a later tar invents must not pass for a good backup.
 * @param line Latin-1
 */
export function parseTarWord(line: string): TarWord {
  const text = line.replace(/^\S*tar: /, '').trim()
  if (/^Exiting with failure status due to previous errors$/.test(text)) return { kind: 'end' }
  const [, quoted = '', reason = ''] = NAMED.exec(text) ?? []
  // All that is backed up is named from the top of the directory; another name is one of our own arguments.
  const known = /^"\.["/]/.test(quoted) ? REASONS.find(({ form }) => form.test(reason)) : undefined
  if (known === undefined) return { kind: 'error', text: text.slice(0, 500) }
  const name = relativeName(unquoteName(quoted))
  return known.kind === 'note'
    ? { kind: 'note', text: `${shownBytes(name)}: ${reason}` }
    : { kind: known.kind, name }
}
