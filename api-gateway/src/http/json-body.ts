import { BackupError } from '@telegram-backup/errors'
import type { Request, RequestHandler } from 'express'
import { askForBody } from '#http/body-stream.ts'
import { inTime } from '#http/in-time.ts'

// The parser of express reads a body that is too large to its end before it answers.

/** The largest body is a schedule. */
const MOST_BYTES = 64 * 1024

/** Reads a small JSON body into `request.body`. The schema of the route judges a missing body. */
export function readJson({ withinMs }: { withinMs: number }): RequestHandler {
  return async (request, response, next) => {
    if (!hasBody(request)) return next()
    assertPlainJson(request)
    if (Number(request.get('Content-Length') ?? 0) > MOST_BYTES) throw tooLarge()
    askForBody({ request, response })
    request.body = parse(await readAll(request, withinMs))
    next()
  }
}

function hasBody(request: Request): boolean {
  const length = request.get('Content-Length')
  return request.get('Transfer-Encoding') !== undefined || (length !== undefined && length !== '0')
}

function assertPlainJson(request: Request): void {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(request.get('Content-Type') ?? '')?.[1] ?? 'utf-8'
  const encoding = request.get('Content-Encoding') ?? 'identity'
  const isPlain = /^utf-?8$/i.test(charset) && encoding.toLowerCase() === 'identity'
  if (isPlain && request.is('application/json')) return
  throw new BackupError('The body is not application/json in UTF-8, uncompressed', {
    code: 'UNSUPPORTED',
    hint: 'Send Content-Type: application/json.',
  })
}

async function readAll(request: Request, withinMs: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  const reading = (async () => {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += chunk.length
      if (size > MOST_BYTES) throw tooLarge()
      chunks.push(chunk)
    }
  })().catch((error: unknown) => {
    throw error instanceof BackupError
      ? error
      : new BackupError('The connection closed before the end of the body', { code: 'SOURCE' })
  })
  await inTime(reading, withinMs, () => {
    throw new BackupError('The body did not arrive in time', { code: 'TIMEOUT' })
  })
  return Buffer.concat(chunks)
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), refuseProto)
  } catch (error) {
    if (error instanceof BackupError) throw error
    throw new BackupError('The body is not valid JSON', {
      code: 'INVALID',
      hint: 'Send one object, for example {"source": "shop"}.',
    })
  }
}

/** The schemas ignore a field of this name at any depth. */
function refuseProto(name: string, value: unknown): unknown {
  if (name !== '__proto__') return value
  throw new BackupError('The body is refused: unknown field "__proto__"', { code: 'INVALID' })
}

function tooLarge(): BackupError {
  return new BackupError(`The body is larger than ${MOST_BYTES} bytes`, { code: 'TOO_LARGE' })
}
