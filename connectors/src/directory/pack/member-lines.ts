import { type Member, memberPathOf } from '@telegram-backup/archive'
import { QUOTED_NAME, relativeName, unquoteName } from '#directory/pack/quoted-names.ts'

/** Bytes in tar's unit. */
const TAR_BLOCK_BYTES = 512

const KINDS: Readonly<Record<string, Member['kind']>> = {
  '-': 'file',
  d: 'directory',
  l: 'symlink',
  h: 'hardlink',
}

/** The block, the kind, and before the time, whose year may have any number of digits, the size or a device's numbers. */
const LINE = new RegExp(
  String.raw`^block (\d+): (.)\S* .* (\d+|\d+,\d+) (?:-?\d+-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?|-?\d+(?:\.\d+)?) +(${QUOTED_NAME})(?: .*)?$`,
)

const LINK_LINE = new RegExp(` ${QUOTED_NAME} -> (${QUOTED_NAME})$`)

/** The target of the symbolic link that such a line tells of, where it can be read. @param line Latin-1 */
export function linkTargetIn(line: string): Buffer | undefined {
  const quoted = LINK_LINE.exec(line)?.[1]
  return quoted === undefined ? undefined : unquoteName(quoted)
}

/** Whether such a line tells of a device node. @param line Latin-1 */
export function isDeviceLine(line: string): boolean {
  return /^block \d+: [bc]/.test(line)
}

/**
 * Reads a line of `tar --create -vv --block-number --full-time --quoting-style=c`, where the block is the one that the
 * member begins with, its PAX header included. Undefined for the line that tells of the end, or in no known form.
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
