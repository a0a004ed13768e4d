/** What `ls -l` shows of a member, besides its kind and size. */
export interface MemberAttributes {
  /** 0 to 0o7777: permissions, and the set-user-ID, set-group-ID and sticky bits. */
  mode: number
  /** Names, or numbers as text where a user or group had no name; as {@link memberPathOf} writes them. */
  owner: string
  group: string
  /** Milliseconds since 1970; null for a time that no `Date` holds. */
  modifiedMs: number | null
  /** Where a symbolic link points, as it is written; for a hard link, the path of the other member. */
  link?: string | undefined
}

const MAX_MODE = 0o7777
/** In UTF-16 units. */
const MAX_NAME_LENGTH = 1024
const MAX_LINK_LENGTH = 100_000
/** The times that a `Date` holds. */
const MAX_TIME_MS = 8.64e15

/** Whether all of it can be read again. */
export function fitsInLine({ owner, group, link = '' }: MemberAttributes): boolean {
  return owner.length <= MAX_NAME_LENGTH && group.length <= MAX_NAME_LENGTH && link.length <= MAX_LINK_LENGTH
}

export function attributesLine({ mode, owner, group, modifiedMs, link }: MemberAttributes): string {
  return JSON.stringify([mode, owner, group, modifiedMs, ...(link === undefined ? [] : [link])])
}

/** @throws Error for a line that {@link attributesLine} has not written */
export function parseAttributes(line: string): MemberAttributes {
  const fields: unknown = JSON.parse(line)
  if (!Array.isArray(fields) || fields.length < 4 || fields.length > 5) throw new TypeError('no attributes')
  const [mode, owner, group, modifiedMs, link]: unknown[] = fields
  if (!isWithin(mode, 0, MAX_MODE) || !isText(owner, MAX_NAME_LENGTH) || !isText(group, MAX_NAME_LENGTH))
    throw new TypeError('a mode, owner or group out of range')
  if (modifiedMs !== null && !isWithin(modifiedMs, -MAX_TIME_MS, MAX_TIME_MS))
    throw new TypeError('a time out of range')
  if (fields.length === 4) return { mode, owner, group, modifiedMs }
  if (!isText(link, MAX_LINK_LENGTH)) throw new TypeError('a link out of range')
  return { mode, owner, group, modifiedMs, link }
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length <= longest
}
