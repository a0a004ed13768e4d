import * as http from 'node:http'
import * as https from 'node:https'
import { cancelled, TelegramError } from '#telegram-error.ts'

/** Bounds on one exchange with the server, in milliseconds. */
export interface ExchangeTimeouts {
  /** Until the connection stands. */
  connectMs: number
  /** Without a byte moving while the body goes out or the answer comes in. */
  stallMs: number
  /**
   * From the last byte of the body to the first of the answer. The server forwards an upload to Telegram only after
   * it has the whole of it, and getFile answers only after it fetched the file: minutes are normal.
   */
  answerMs: number
}

export interface ExchangeRequest {
  /** Absolute URL. Holds the bot token, so it never leaves this file. */
  url: URL
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  /** Sent in order, with a Content-Length. */
  body?: readonly Buffer[]
  /**
   * A kept-alive connection may be closed by the server just as a request leaves on it; then nobody knows what became
   * of it. So whatever must not be repeated goes on a connection of its own.
   */
  freshConnection: boolean
  /** A longer answer is refused. */
  maxAnswerBytes: number
  timeouts: ExchangeTimeouts
  signal?: AbortSignal | undefined
  /** Body bytes handed to the connection so far. */
  onBytesOut?: ((bytes: number) => void) | undefined
}

export interface ExchangeAnswer {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
}

const WRITE_SLICE_BYTES = 256 * 1024
/** After a cancel, how long to wait for the answer to a body that is already out whole. */
const ANSWER_AFTER_CANCEL_MS = 20_000
const KEEP_ALIVE = { keepAlive: true, maxSockets: 16 }
const agents = { http: new http.Agent(KEEP_ALIVE), https: new https.Agent(KEEP_ALIVE) }

/**
 * One HTTP exchange, any status. Fails with `UNREACHABLE` while the body is not out whole (the server cannot have
 * acted on it), with `ANSWER_LOST` afterwards. A cancel cuts a body that is still going out; once it is out, the answer
 * is awaited for a while, because it alone tells the message id.
 */
export async function exchange(request: ExchangeRequest): Promise<ExchangeAnswer> {
  if (request.signal?.aborted) throw cancelled()
  const secure = request.url.protocol === 'https:'
  const kept = secure ? agents.https : agents.http
  const outgoing = (secure ? https : http).request(request.url, {
    method: request.method,
    headers: { ...request.headers, 'content-length': String(bodyBytes(request.body)) },
    agent: request.freshConnection ? false : kept,
  })

  return new Promise<ExchangeAnswer>((resolve, reject) => {
    let bodyIsOut = false
    let timer: NodeJS.Timeout | undefined
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', onAbort)
      act()
    }
    const fail = (reason: string): void => {
      const aborted = request.signal?.aborted === true
      const error =
        aborted && !bodyIsOut
          ? cancelled()
          : new TelegramError(
              bodyIsOut
                ? `The Bot API server gave no answer (${reason})`
                : `The Bot API server could not be reached (${reason})`,
              bodyIsOut ? 'ANSWER_LOST' : 'UNREACHABLE',
              { hint: 'Check the network, and TELEGRAM_API_ROOT if you set it.' },
            )
      settle(() => reject(error))
      outgoing.destroy()
    }
    const within = (ms: number, reason: string): void => {
      clearTimeout(timer)
      timer = setTimeout(() => fail(reason), ms)
    }
    const onAbort = (): void => {
      if (bodyIsOut) within(ANSWER_AFTER_CANCEL_MS, 'cancelled while waiting for it')
      else fail('cancelled')
    }

    within(request.timeouts.connectMs, 'no connection in time')
    request.signal?.addEventListener('abort', onAbort, { once: true })
    outgoing.on('error', error => fail(errorName(error)))
    outgoing.on('finish', () => {
      bodyIsOut = true
      if (request.signal?.aborted) within(ANSWER_AFTER_CANCEL_MS, 'cancelled while waiting for it')
      else within(request.timeouts.answerMs, 'no answer in time')
    })
    outgoing.on('response', incoming => {
      const chunks: Buffer[] = []
      let received = 0
      incoming.on('data', (chunk: Buffer) => {
        if (!request.signal?.aborted) within(request.timeouts.stallMs, 'the answer stalled')
        received += chunk.length
        if (received > request.maxAnswerBytes) return fail('the answer is longer than it may be')
        chunks.push(chunk)
      })
      incoming.on('error', error => fail(errorName(error)))
      incoming.on('aborted', () => fail('the answer was cut off'))
      incoming.on('end', () => {
        if (!incoming.complete) return fail('the answer was cut off')
        const answer = {
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(chunks),
        }
        settle(() => resolve(answer))
        // A server may refuse before it has read the whole body (413): then the rest is not sent.
        if (!bodyIsOut) outgoing.destroy()
      })
    })
    writeBody(outgoing, request.body ?? [], bytesOut => {
      if (!bodyIsOut) within(request.timeouts.stallMs, 'the upload stalled')
      request.onBytesOut?.(bytesOut)
    })
  })
}

function bodyBytes(body: readonly Buffer[] | undefined): number {
  return (body ?? []).reduce((sum, piece) => sum + piece.length, 0)
}

/** Writes in slices, as fast as the connection takes them, so that a stall and a slow line can be told apart. */
function writeBody(
  outgoing: http.ClientRequest,
  body: readonly Buffer[],
  onMoved: (bytesOut: number) => void,
): void {
  let piece = 0
  let offset = 0
  let bytesOut = 0
  const next = (): void => {
    while (piece < body.length) {
      if (outgoing.destroyed) return
      const current = body[piece] as Buffer
      const slice = current.subarray(offset, offset + WRITE_SLICE_BYTES)
      offset += slice.length
      bytesOut += slice.length
      if (offset >= current.length) {
        piece++
        offset = 0
      }
      if (slice.length > 0 && !outgoing.write(slice)) {
        outgoing.once('drain', () => {
          onMoved(bytesOut)
          next()
        })
        return
      }
    }
    outgoing.end()
  }
  next()
}

/** An errno name such as ECONNREFUSED. Never the error's message, which may quote an address or a path. */
function errorName(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  return typeof code === 'string' ? code : 'connection failed'
}
