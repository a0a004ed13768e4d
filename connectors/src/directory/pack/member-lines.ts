import { type Member, memberPathOf } from '@telegram-backup/archive'
import { QUOTED_NAME, relativeName, unquoteName } from '#directory/pack/quoted-names.ts'

const TAR_BLOCK_BYTES = 512
/** The times that a `Date` holds. */
const MAX_TIME_MS = 8.64e15

const KINDS: Readonly<Record<string, Member['kind']>> = {
  '-': 'file',
  d: 'directory',
  l: 'symlink',
  h: 'hardlink',
}

/**
 * Block, kind, permissions, owner and group, then size or device numbers, the time, whose year may have any
 * number of digits, and the name.
 */
const LINE = new RegExp(
  String.raw`^block (\d+): (.)(\S*) +(.*?) +(\d+(?:,\d+)?) (-?\d+(?:-\d\d-\d\d \d\d:\d\d:\d\d)?)(\.\d+)? +(${QUOTED_NAME})(?: .*)?$`,
)

const LINK_LINE = new RegExp(` ${QUOTED_NAME} (->|link to) (${QUOTED_NAME})$`)

/** Whether the line is about a device node. @param line Latin-1 */
export function isDeviceLine(line: string): boolean {
  return /^block \d+: [bc]/.test(line)
}

/**
 * Reads a line of `tar --create -vv --block-number --full-time --quoting-style=c`, written in UTC. The block
 * is the one that the member begins with, its PAX header included. Undefined for the line about the end, and
 * for an unknown form.
 * @param line Latin-1
 */
export function parseMemberLine(line: string): Member | undefined {
  const found = LINE.exec(line)
  if (found === null) return undefined
  const [, block, letter = '', bits = '', owners = '', size, time = '', fraction = '.', name = ''] = found
  const kind = KINDS[letter] ?? 'other'
  const mode = modeOf(bits)
  const [owner, group] = ownersOf(owners)
  const link = kind === 'symlink' || kind === 'hardlink' ? linkIn(line) : null
  // Without attributes, a list is better than with wrong ones.
  const isKnown = mode !== undefined && group !== undefined && link !== undefined
  return {
    path: memberPathOf(relativeName(unquoteName(name))),
    offset: Number(block) * TAR_BLOCK_BYTES,
    size: kind === 'file' ? Number(size) : 0,
    kind,
    attributes: isKnown
      ? { mode, owner, group, modifiedMs: millisecondsOf(time, fraction), ...(link === null ? {} : { link }) }
      : undefined,
  }
}

function linkIn(line: string): string | undefined {
  const [, arrow, quoted = ''] = LINK_LINE.exec(line) ?? []
  if (arrow === undefined) return undefined
  const bytes = unquoteName(quoted)
  return memberPathOf(arrow === '->' ? bytes : relativeName(bytes))
}

// A tree has few modes and owners, and some hundred thousand members.
const modeOf = remembered((bits: string): number | undefined => {
  if (!/^[r-][w-][xsS-][r-][w-][xsS-][r-][w-][xtT-]/.test(bits)) return undefined
  let mode = 0
  for (let at = 0; at < 9; at++) {
    const letter = bits[at] ?? '-'
    if (!'-ST'.includes(letter)) mode |= 0o400 >> at
    // The third letter of each three also stands for a special bit.
    if ('sStT'.includes(letter)) mode |= 0o4000 >> ((at - 2) / 3)
  }
  return mode
})

/** @param owners `user/group`, in which names of a domain may hold blanks */
const ownersOf = remembered((owners: string): readonly [string, string?] => {
  const text = memberPathOf(Buffer.from(owners, 'latin1'))
  const slash = text.indexOf('/')
  return slash < 0 ? [text] : [text.slice(0, slash), text.slice(slash + 1)]
})

/** Null for a time that no `Date` holds. @param fraction with its point */
function millisecondsOf(time: string, fraction: string): number | null {
  const seconds = time.includes(' ') ? Date.parse(`${time.replace(' ', 'T')}Z`) / 1000 : Number(time)
  const ms = seconds * 1000 + Number(`${fraction}000`.slice(1, 4))
  return Math.abs(ms) <= MAX_TIME_MS ? ms : null
}

const MOST_REMEMBERED = 1_000

/** The function, with its last results. */
function remembered<Result>(work: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>()
  return text => {
    const before = known.get(text)
    if (before !== undefined) return before
    const result = work(text)
    if (known.size === MOST_REMEMBERED) known.clear()
    known.set(text, result)
    return result
  }
}
