import { type BackupDetails, getBackupDetails } from '@telegram-backup/database'
import { describeContents, noteFetch, openBytes, openFile } from '@telegram-backup/engine/operations/fetch.ts'
import type { ContentsOptions } from '@telegram-backup/engine/restore/contents.ts'
import type { ManifestCache } from '@telegram-backup/engine/restore/manifest-cache.ts'
import type { ByteRange } from '@telegram-backup/engine/restore/read-ranges.ts'
import { shownName } from '@telegram-backup/engine/units/names.ts'
import { describeError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { readRange } from '#http/byte-range.ts'
import { whileWatched } from '#http/caller-watch.ts'
import { found, inNameOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import type { TransferMemory } from '#http/memory-limits.ts'
import { logOf } from '#http/request-context.ts'
import { assertWhole } from '#http/routes/backup-routes.ts'
import { type Answer, type Route, route } from '#http/routes/route.ts'
import { MEMBER_PATH } from '#http/schemas/member-schemas.ts'
import { breakOff, exactly, sendBytes } from '#http/send-bytes.ts'
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

/** The name without characters that a header or a file name must not have. */
function nameFor(filename: string): string {
  const name = filename.toWellFormed().replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}/\\]/gu, '_')
  return name === '' ? 'backup' : name
}
