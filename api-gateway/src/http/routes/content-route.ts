import { getBackupById } from '@telegram-backup/database'
import type { ByteRange } from '@telegram-backup/engine/restore/contents.ts'
import { describeError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { readRange } from '#http/byte-range.ts'
import { found } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { watchKey } from '#http/key-watch.ts'
import { goneAway, logOf } from '#http/request-context.ts'
import { type Answer, type Route, route } from '#http/routes/route.ts'
import { Slots } from '#http/slots.ts'
import type { TransferMemory } from '#http/transfer-memory.ts'

/** The plain bytes of a backup, out of the chat. */
export function contentRoute({ database, contents, settings }: HttpPorts, memory: TransferMemory): Route {
  const slots = new Slots('downloads', settings.downloads_at_once)
  return route(
    {
      method: 'get',
      path: '/backups/{id}/content',
      name: 'getContent',
      summary: 'The plain bytes, each part verified before it goes out',
      scope: 'restore',
      hasHead: true,
      answers: {
        200: {
          description: 'The bytes; the connection is broken off when a part is not what was sent',
          contentType: 'application/octet-stream',
          headers: HEADERS,
        },
        206: {
          description:
            'The bytes of the one range that was asked for; only the parts that hold it are fetched',
          contentType: 'application/octet-stream',
          headers: { ...HEADERS, 'Content-Range': 'Which bytes, of how many' },
        },
      },
      problems: [404, 416, 502],
    },
    async ({ caller, id, request, response }) => {
      const backup = found(caller, await getBackupById(database, id), 'backup')
      const { size, filename, sha256 } = await contents.describe(backup.id)
      const tag = sha256 === null ? undefined : `"${sha256}"`
      response.set('Accept-Ranges', 'bytes')
      if (tag !== undefined) response.set('ETag', tag)
      const isHead = request.method === 'HEAD'
      const range = isHead ? undefined : rangeOf(request, response, { size, tag })
      const begin = (): void => {
        // It sets a type by the name's ending, which a browser might act upon.
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
      const work = async (): Promise<Answer> => {
        const { signal, end } = goneAway(response)
        const unwatch = watchKey(
          { database, request, onGone: () => response.destroy() },
          { scope: 'restore', project: backup.project_id },
        )
        try {
          const bytes = await contents.open(backup.id, { signal, range })
          const chunks = bytes[Symbol.asyncIterator]()
          // What fails before the first byte can still be told; damage ends the connection in any case.
          const first = await chunks.next().catch((error: unknown) => {
            if (describeError(error).code === 'INTEGRITY') return breakOff(response, error)
            throw error
          })
          if (first === undefined) return undefined
          begin()
          await sendBytes(response, { first, chunks, stallMs: settings.stall_seconds * 1_000 })
          return undefined
        } finally {
          unwatch()
          end()
        }
      }
      return await slots.use(caller.id, () => memory.download(caller.id, work))
    },
  )
}

const HEADERS = { 'Accept-Ranges': 'bytes', ETag: 'The SHA-256 of the plain bytes, where it is known' }

/** What is asked for; all of it where `If-Range` names other bytes than these. */
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

/** The name as a header can carry it; the library writes RFC 6266 and 8187. */
function nameFor(filename: string): string {
  const name = filename.toWellFormed().replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}/\\]/gu, '_')
  return name === '' ? 'backup' : name
}

function breakOff(response: Response, error: unknown): undefined {
  logOf(response).error({ error }, 'an answer was broken off')
  response.destroy()
}

/**
 * No faster than they are taken. The last bytes wait until the end is known to be right: with them the client has as many as were
 * announced, and takes that for the whole.
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

/** A client that takes nothing for so long does not get the rest. */
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
