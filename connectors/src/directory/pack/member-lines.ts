import { type Member, memberPathOf } from '@telegram-backup/archive'
import { QUOTED_NAME, relativeName, unquoteName } from '#directory/pack/quoted-names.ts'

const TAR_BLOCK_BYTES = 512

const KINDS: Readonly<Record<string, Member['kind']>> = {
  '-': 'file',
  d: 'directory',
  l: 'symlink',
  h: 'hardlink',
}

/** Block, kind, and before the time, whose year may have any number of digits, size or device numbers. */
const LINE = new RegExp(
  String.raw`^block (\d+): (.)\S* .* (\d+|\d+,\d+) (?:-?\d+-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?|-?\d+(?:\.\d+)?) +(${QUOTED_NAME})(?: .*)?$`,
)

const LINK_LINE = new RegExp(` ${QUOTED_NAME} -> (${QUOTED_NAME})$`)

/** The target of a symbolic link, where the line has one. @param line Latin-1 */
export function linkTargetIn(line: string): Buffer | undefined {
  const quoted = LINK_LINE.exec(line)?.[1]
  return quoted === undefined ? undefined : unquoteName(quoted)
}

/** Whether the line is about a device node. @param line Latin-1 */
export function isDeviceLine(line: string): boolean {
  return /^block \d+: [bc]/.test(line)
}

/**
 * Reads a line of `tar --create -vv --block-number --full-time --quoting-style=c`. The block is the one that
 * the member begins with, its PAX header included. Undefined for the line about the end, and for an unknown
 * form.
 * @param line Latin-1
 */
export function parseMemberLine(line: string): Member | undefined {
  const [, block, letter = '', size, name = ''] = LINE.exec(line) ?? []
  if (block === undefined) return undefined
  const kind = KINDS[letter] ?? 'other'
  return {
    path: memberPathOf(relativeName(unquoteName(name))),
    offset: Number(block) * TAR_BLOCK_BYTES,
    size: kind === 'file' ? Number(size) : 0,
    kind,
  }
}
