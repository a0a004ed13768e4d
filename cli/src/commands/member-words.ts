import { formatBytes, formatTime, NONE } from '@telegram-backup/engine/units/human-units.ts'
import { base64Of, escapeName } from '@telegram-backup/engine/units/names.ts'

/** A member of a directory backup. */
export interface ShownMember {
  path: string
  kind: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other'
  size: number
  attributes?:
    | { mode: number; owner: string; group: string; modifiedMs: number | null; link?: string | undefined }
    | undefined
  sha256?: string | undefined
}

/** As `--json` prints it; null for what the list does not say. */
export function memberJson({ path, kind, size, attributes, sha256 }: ShownMember): Record<string, unknown> {
  const { mode, owner = null, group = null, modifiedMs, link } = attributes ?? {}
  return {
    path,
    ...base64Of(path),
    kind,
    size,
    mode: mode === undefined ? null : mode.toString(8).padStart(4, '0'),
    owner,
    group,
    modified_at: typeof modifiedMs === 'number' ? new Date(modifiedMs).toISOString() : null,
    ...(link === undefined ? {} : { link }),
    ...(sha256 === undefined ? {} : { sha256 }),
  }
}

/** `1.2 KiB  etc/nginx/nginx.conf`, or the kind of what is no file. */
export function shortLine({ path, kind, size }: ShownMember): string {
  return `${sizeOrKind({ kind, size }).padStart(12)}  ${escapeName(path)}`
}

export function sizeOrKind({ kind, size }: Pick<ShownMember, 'kind' | 'size'>): string {
  return kind === 'file' ? formatBytes(size) : kind
}

/** Mode, owner and group, size, time: without the name. */
export function longCells({ kind, size, attributes }: ShownMember): string[] {
  if (attributes === undefined) return [NONE, NONE, NONE, formatBytes(size), NONE]
  const { mode, owner, group, modifiedMs } = attributes
  return [
    modeText(kind, mode),
    escapeName(owner),
    escapeName(group),
    kind === 'file' ? formatBytes(size) : NONE,
    modifiedMs === null ? NONE : formatTime(new Date(modifiedMs)),
  ]
}

/** The name, and where a link leads. */
export function longName({ path, kind, attributes }: ShownMember): string {
  const link = attributes?.link
  if (link === undefined) return escapeName(path)
  return `${escapeName(path)} ${kind === 'hardlink' ? 'link to' : '->'} ${escapeName(link)}`
}

const LETTERS: Readonly<Record<ShownMember['kind'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  hardlink: 'h',
  other: '?',
}

/** `drwxr-sr-x`, as `ls -l` writes it. */
export function modeText(kind: ShownMember['kind'], mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, at) => ((mode & (0o400 >> at)) === 0 ? '-' : letter))
  for (const [at, bit, letter] of SPECIAL) {
    if ((mode & bit) !== 0) bits[at] = bits[at] === '-' ? letter.toUpperCase() : letter
  }
  return LETTERS[kind] + bits.join('')
}

const SPECIAL: ReadonlyArray<readonly [at: number, bit: number, letter: string]> = [
  [2, 0o4000, 's'],
  [5, 0o2000, 's'],
  [8, 0o1000, 't'],
]
