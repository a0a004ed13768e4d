import { type BackupDetails, getBackupDetails } from '@telegram-backup/database'
import { describeContents, noteFetch, openBytes, openFile } from '@telegram-backup/engine/operations/fetch.ts'
import type { ContentsOptions } from '@telegram-backup/engine/restore/contents.ts'
import type { ManifestCache } from '@telegram-backup/engine/restore/manifest-cache.ts'
import type { ByteRange } from '@telegram-backup/engine/restore/read-ranges.ts'
import { shownName } from '@telegram-backup/engine/units/names.ts'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { whileWatched } from '#http/caller-watch.ts'
import { found, inNameOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import type { TransferMemory } from '#http/memory-limits.ts'
import { logOf } from '#http/request-context.ts'
import { assertWhole } from '#http/routes/backup-routes.ts'
import { type Answer, type Route, route } from '#http/routes/route.ts'
import { MEMBER_PATH } from '#http/schemas/member-schemas.ts'
import { Slots } from '#http/slots.ts'

/** What answers with plain bytes needs. */
interface Downloads {
  memory: TransferMemory
  manifests: ManifestCache
}

interface Asked {
  ports: HttpPorts
  manifests: ManifestCache
  backup: BackupDetails
  request: Request
  response: Response
}

/** The plain bytes of a backup, or of one file in it, fetched from the chat. */
export function contentRoute(ports: HttpPorts, { memory, manifests }: Downloads): Route {
  const { database, settings } = ports
  const slots = new Slots('downloads', settings.downloads_at_once)
  return route(
    {
      method: 'get',
      path: '/backups/{id}/content',
      name: 'getContent',
      summary: 'The plain bytes, or those of one file; each part is verified before it is sent',
      scope: 'restore',
      hasHead: true,
      query: z.strictObject({
        path: MEMBER_PATH.min(1).optional().meta({
          description: 'Only this file of a directory backup, as GET /backups/{id}/members lists it.',
        }),
      }),
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
    async ({ caller, id, query: { path }, request, response }) => {
      const backup = found(caller, await getBackupDetails(database, id), 'backup')
      const asked = { ports, manifests, backup, request, response }
      const whole = path === undefined ? wholeOf(asked) : undefined
      const isHead = request.method === 'HEAD'
      if (whole !== undefined && isHead) return headOnly(response, whole)
      const watched = { database, request, response, scope: 'restore', project: backup.project_id } as const
      const work = async (signal: AbortSignal): Promise<Answer> => {
        const plan = whole ?? (await fileOf(asked, path ?? '', signal))
        if (isHead) return headOnly(response, plan)
        const bytes = await plan.open(contentsFor(asked, signal))
        const chunks = bytes[Symbol.asyncIterator]()
        // An error before the first byte becomes a problem, but damage always breaks off the connection.
        const first = await chunks.next().catch((error: unknown) => {
          if (describeError(error).code === 'INTEGRITY') return breakOff(response, error)
          throw error
        })
        if (first === undefined) return undefined
        await noteFetch(inNameOf(caller, database), backup, { path, range: plan.range })
        begin(response, plan)
        await sendBytes(response, { first, chunks, stallMs: settings.stall_seconds * 1_000 })
        return undefined
      }
      return await slots.use(caller.id, () => memory.download(caller.id, () => whileWatched(watched, work)))
    },
  )
}

const HEADERS = { 'Accept-Ranges': 'bytes', ETag: 'The SHA-256 of the plain bytes, if it is known' }

/** What is sent, and how to begin it. */
interface Plan {
  filename: string
  /** In bytes. */
  length: number
  tag: string | undefined
  range: ByteRange | undefined
  open(options: ContentsOptions): Promise<AsyncIterable<Buffer>>
}

function contentsFor(
  { ports: { engine }, manifests, response, backup }: Asked,
  signal: AbortSignal,
): ContentsOptions {
  return {
    ...{ ...engine, manifests, signal, catalog: async () => engine.database },
    note: words => logOf(response).info({ backup_id: backup.id }, words),
  }
}

function begin(response: Response, { filename, length, tag, range }: Plan): void {
  if (tag !== undefined) response.set('ETag', tag)
  // `attachment` sets a type by the ending of the name, which a browser might act upon.
  response.attachment(nameFor(filename)).type('application/octet-stream')
  response.status(range === undefined ? 200 : 206)
  response.set('Content-Length', String(length))
}

function headOnly(response: Response, plan: Plan): undefined {
  begin(response, plan)
  response.end()
}

/** The whole backup, or the range of it that the client asks for. */
function wholeOf({ backup, request, response }: Asked): Plan {
  const { size, filename, sha256 } = describeContents(backup)
  const tag = sha256 === null ? undefined : `"${sha256}"`
  response.set('Accept-Ranges', 'bytes')
  // A problem has it, too.
  if (tag !== undefined) response.set('ETag', tag)
  const range = request.method === 'HEAD' ? undefined : rangeOf(request, response, { size, tag })
  if (range !== undefined) response.set('Content-Range', `bytes ${range.start}-${range.end - 1}/${size}`)
  const length = range === undefined ? size : range.end - range.start
  return { filename, length, tag, range, open: options => openBytes(backup, { ...options, range }) }
}

/** One file of a directory backup, always whole. Only the list is fetched for the plan. */
async function fileOf(asked: Asked, name: string, signal: AbortSignal): Promise<Plan> {
  assertWhole(asked.backup)
  const { path, size, sha256, bytes } = await openFile(asked.backup, name, contentsFor(asked, signal))
  return {
    filename: shownName(path.slice(path.lastIndexOf('/') + 1)),
    length: size,
    tag: sha256 === undefined ? undefined : `"${sha256}"`,
    range: undefined,
    open: async () => exactly(size, bytes),
  }
}

/** Throws `INTEGRITY` for another number of bytes than was announced. */
async function* exactly(size: number, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let sent = 0
  for await (const chunk of bytes) {
    sent += chunk.length
    if (sent > size) break
    yield chunk
  }
  if (sent === size) return
  throw new BackupError('The file has another size than the list of the backup says', { code: 'INTEGRITY' })
}

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
