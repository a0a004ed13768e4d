import { getBackupDetails } from '@telegram-backup/database'
import { describeContents, noteFetch, openBytes } from '@telegram-backup/engine/operations/fetch.ts'
import type { ByteRange } from '@telegram-backup/engine/restore/read-ranges.ts'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { whileWatched } from '#http/caller-watch.ts'
import { found, inNameOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import type { TransferMemory } from '#http/memory-limits.ts'
import { logOf } from '#http/request-context.ts'
import { type Answer, type Route, route } from '#http/routes/route.ts'
import { Slots } from '#http/slots.ts'

/** The plain bytes of a backup, fetched from the chat. */
export function contentRoute({ database, engine, settings }: HttpPorts, memory: TransferMemory): Route {
  const slots = new Slots('downloads', settings.downloads_at_once)
  return route(
    {
      method: 'get',
      path: '/backups/{id}/content',
      name: 'getContent',
      summary: 'The plain bytes; each part is verified before it is sent',
      scope: 'restore',
      hasHead: true,
      answers: {
        200: {
          description: 'The bytes; the connection is broken off if a part is not what was sent',
          contentType: 'application/octet-stream',
          headers: HEADERS,
        },
        206: {
          description: 'The bytes of the requested range; only the parts that hold it are fetched',
          contentType: 'application/octet-stream',
          headers: { ...HEADERS, 'Content-Range': 'The range, and the size of the backup' },
        },
      },
      problems: [404, 416, 502],
    },
    async ({ caller, id, request, response }) => {
      const backup = found(caller, await getBackupDetails(database, id), 'backup')
      const { size, filename, sha256 } = describeContents(backup)
      const tag = sha256 === null ? undefined : `"${sha256}"`
      response.set('Accept-Ranges', 'bytes')
      if (tag !== undefined) response.set('ETag', tag)
      const isHead = request.method === 'HEAD'
      const range = isHead ? undefined : rangeOf(request, response, { size, tag })
      const begin = (): void => {
        // `attachment` sets a type by the ending of the name, which a browser might act upon.
        response.attachment(nameFor(filename)).type('application/octet-stream')
        response.status(range === undefined ? 200 : 206)
        response.set('Content-Length', String(range === undefined ? size : range.end - range.start))
        if (range) response.set('Content-Range', `bytes ${range.start}-${range.end - 1}/${size}`)
      }
      if (isHead) {
        begin()
        response.end()
        return undefined
      }
      const watched = { database, request, response, scope: 'restore', project: backup.project_id } as const
      const work = async (signal: AbortSignal): Promise<Answer> => {
        const bytes = await openBytes(backup, {
          ...engine,
          ...{ signal, range, catalog: async () => engine.database },
          note: words => logOf(response).info({ backup_id: backup.id }, words),
        })
        const chunks = bytes[Symbol.asyncIterator]()
        // An error before the first byte becomes a problem, but damage always breaks off the connection.
        const first = await chunks.next().catch((error: unknown) => {
          if (describeError(error).code === 'INTEGRITY') return breakOff(response, error)
          throw error
        })
        if (first === undefined) return undefined
        await noteFetch(inNameOf(caller, database), backup, { range })
        begin()
        await sendBytes(response, { first, chunks, stallMs: settings.stall_seconds * 1_000 })
        return undefined
      }
      return await slots.use(caller.id, () => memory.download(caller.id, () => whileWatched(watched, work)))
    },
  )
}

const HEADERS = { 'Accept-Ranges': 'bytes', ETag: 'The SHA-256 of the plain bytes, if it is known' }

/** The requested range; the whole if `If-Range` names other bytes than these. */
function rangeOf(
  request: Request,
  response: Response,
  { size, tag }: { size: number; tag: string | undefined },
): ByteRange | undefined {
  const only = request.get('If-Range')
  if (only !== undefined && only !== tag) return undefined
  try {
    return readRange(request.get('Range'), size)
  } catch (error) {
    response.set('Content-Range', `bytes */${size}`)
    throw error
  }
}

/**
 * Reads the header `Range`. Returns undefined, which means the whole, without a header, for several ranges,
 * and for anything else that is not a range of bytes. Throws `RANGE` for a range that holds no byte.
 */
export function readRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? []
  if (from === '' && to === '') return undefined
  if (from !== '' && to !== '' && Number(from) > Number(to)) return undefined
  const range =
    from === ''
      ? { start: Math.max(0, size - Number(to)), end: size }
      : { start: Number(from), end: to === '' ? size : Math.min(size, Number(to) + 1) }
  if (range.start < range.end) return range
  throw new BackupError('The range begins after the end of the backup', {
    code: 'RANGE',
    hint: 'Content-Range says how many bytes there are.',
  })
}

/** The name without characters that a header or a file name must not have. */
function nameFor(filename: string): string {
  const name = filename.toWellFormed().replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}/\\]/gu, '_')
  return name === '' ? 'backup' : name
}

function breakOff(response: Response, error: unknown): undefined {
  logOf(response).error({ error }, 'an answer was broken off')
  response.destroy()
}

/**
 * Sends the bytes no faster than the client reads them. The last bytes wait until everything is verified:
 * with them, the client has as many bytes as were announced, and believes that the backup is complete.
 */
async function sendBytes(
  response: Response,
  of: { first: IteratorResult<Buffer>; chunks: AsyncIterator<Buffer>; stallMs: number },
): Promise<void> {
  try {
    let held = of.first
    while (!held.done) {
      const next = await of.chunks.next()
      if (response.destroyed) return
      if (!response.write(held.value)) await drained(response, of.stallMs)
      held = next
    }
    response.end()
  } catch (error) {
    breakOff(response, error)
  } finally {
    await of.chunks.return?.()
  }
}

/** Breaks off the connection if the client reads nothing for that long. */
function drained(response: Response, stallMs: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => response.destroy(), stallMs)
    const onEither = (): void => {
      clearTimeout(timer)
      response.off('drain', onEither).off('close', onEither)
      resolve()
    }
    response.once('drain', onEither).once('close', onEither)
  })
}
