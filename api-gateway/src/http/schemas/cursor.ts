import { BackupError } from '@telegram-backup/errors'

/** The last one of a page; the next page begins after it. */
interface Place {
  createdAt: Date
  id: string
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A place as text that goes into a URL as it is. */
function writeCursor({ createdAt, id }: Place): string {
  return Buffer.from(`${createdAt.getTime()} ${id}`).toString('base64url')
}

/** The way back. Throws `INVALID` for what `writeCursor` has not written. */
export function readCursor(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined
  const [, time = '', id = ''] =
    /^(\d{1,15}) (\S{36})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  const createdAt = new Date(Number(time))
  if (time !== '' && !Number.isNaN(createdAt.getTime()) && UUID.test(id)) return { createdAt, id }
  throw new BackupError('This is no cursor', {
    code: 'INVALID',
    hint: 'Take next_cursor of the page before, as it is.',
  })
}

/** One page as it is answered: some items, and the place of the last of them where there are more. */
export function page<Item extends { created_at: Date; id: string }, View>(
  items: readonly Item[],
  { hasMore, view }: { hasMore: boolean; view: (item: Item) => View },
): { items: View[]; next_cursor: string | null } {
  const last = hasMore ? items.at(-1) : undefined
  return {
    items: items.map(view),
    next_cursor: last === undefined ? null : writeCursor({ createdAt: last.created_at, id: last.id }),
  }
}
