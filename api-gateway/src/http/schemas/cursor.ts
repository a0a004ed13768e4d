import { BackupError } from '@telegram-backup/errors'

/** The last item of a page; the next page begins after it. */
interface Place {
  createdAt: Date
  id: string
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function writeCursor({ created_at, id }: { created_at: Date; id: string }): string {
  return Buffer.from(`${created_at.getTime()} ${id}`).toString('base64url')
}

/** Throws `INVALID` for anything but a `next_cursor`. */
export function readCursor(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined
  const [, time = '', id = ''] =
    /^(\d{1,15}) (\S{36})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  const createdAt = new Date(Number(time))
  if (time !== '' && !Number.isNaN(createdAt.getTime()) && UUID.test(id)) return { createdAt, id }
  throw notACursor()
}

function notACursor(): BackupError {
  return new BackupError('This is not a cursor', {
    code: 'INVALID',
    hint: 'Use next_cursor of the page before, unchanged.',
  })
}

/** The cursor of a list whose items are counted. */
export function readCountCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  const [, count] = /^#(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (count !== undefined) return Number(count)
  throw notACursor()
}

/** As {@link page}, of a list whose items are counted. */
export function countedPage<Item extends { id: number }, View>(
  items: readonly Item[],
  { hasMore, view }: { hasMore: boolean; view: (item: Item) => View },
): { items: View[]; next_cursor: string | null } {
  const last = hasMore ? items.at(-1) : undefined
  const cursor = last === undefined ? null : Buffer.from(`#${last.id}`).toString('base64url')
  return { items: items.map(view), next_cursor: cursor }
}

/** One page as it is answered. `next_cursor` is null on the last page. */
export function page<Item extends { created_at: Date; id: string }, View>(
  items: readonly Item[],
  { hasMore, view }: { hasMore: boolean; view: (item: Item) => View },
): { items: View[]; next_cursor: string | null } {
  const last = hasMore ? items.at(-1) : undefined
  return { items: items.map(view), next_cursor: last ? writeCursor(last) : null }
}
