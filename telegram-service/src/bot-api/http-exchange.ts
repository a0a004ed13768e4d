import type { Agent as HttpAgent, IncomingHttpHeaders } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { AnswerBody, type AnswerReception } from '#bot-api/answer-body.ts'
import { uploadBody } from '#bot-api/body-upload.ts'
import { freeReads } from '#bot-api/transient-memory.ts'
import type { UploadRate } from '#bot-api/upload-rate.ts'
import { cancelled, TelegramError } from '#telegram-error.ts'

/** Limits on one exchange with the server, in milliseconds. */
export interface ExchangeTimeouts {
  connectMs: number
  /** Without a byte of the body going out, or 16 KiB of the answer coming in. */
  stallMs: number
  /**
   * From the end of the body to the first byte of the answer. The server forwards an upload only when it has
   * all of it, and getFile answers only after fetching the file: minutes are normal.
   */
  answerMs: number
  /** After a cancel, for the answer to a complete request that must not be repeated. */
  answerAfterCancelMs: number
}

export interface ExchangeRequest {
  /** Absolute. It holds the bot token, so it never leaves this file. */
  url: URL
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  /** Sent in order, with a Content-Length. */
  body?: readonly Buffer[]
  /** Limit on the body; waiting for it is no stall. */
  rate?: UploadRate | undefined
  /**
   * Whether the request may be made twice. If not, it gets its own connection: the server may close a
   * kept-alive one just as a request leaves, and then nobody knows what became of it. And a cancel does not
   * cut it off once its body is out: only the answer names the message it made.
   */
  repeatable: boolean
  /** Not on a kept-alive connection, which may have caused the last failure. */
  freshConnection?: boolean
  answer: AnswerReception
  timeouts: ExchangeTimeouts
  signal?: AbortSignal | undefined
  /** Bytes of the body so far. Must not throw. */
  onBytesOut?: ((bytes: number) => void) | undefined
}

export interface ExchangeAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** This much of an answer counts as progress. */
const MOVED_BYTES = 16 * 1024

const KEEP_ALIVE = { keepAlive: true, maxSockets: 16 }

// Not imported: an import reads every export of `node:http`, which loads `fetch` and `WebSocket`: 25 ms of
// each command.
const http = process.getBuiltinModule('node:http')
const agents = { http: new http.Agent(KEEP_ALIVE), https: undefined as HttpsAgent | undefined }

/** TLS is loaded when it is needed. */
function protocolOf(url: URL): { request: typeof http.request; agent: HttpAgent; connected: string } {
  if (url.protocol !== 'https:') return { request: http.request, agent: agents.http, connected: 'connect' }
  const https = process.getBuiltinModule('node:https')
  agents.https ??= new https.Agent(KEEP_ALIVE)
  return { request: https.request, agent: agents.https, connected: 'secureConnect' }
}

/**
 * One HTTP exchange, any status; redirects are not followed. Fails with `UNREACHABLE` while the body is
 * incomplete (the server cannot have acted), with `ANSWER_LOST` afterwards, with `UNPROVEN` when the answer
 * is too long, and with `CANCELLED` unless the request may have been carried out and must not be repeated.
 */
export async function exchange(request: ExchangeRequest): Promise<ExchangeAnswer> {
  const { signal, timeouts } = request
  if (signal?.aborted) throw cancelled()
  const { request: begin, agent, connected } = protocolOf(request.url)
  const body = request.body ?? []
  const bodyBytes = body.reduce((sum, piece) => sum + piece.length, 0)
  const outgoing = begin(request.url, {
    method: request.method,
    headers: { ...request.headers, 'content-length': String(bodyBytes) },
    agent: request.repeatable && !request.freshConnection ? agent : false,
  })

  return new Promise<ExchangeAnswer>((resolve, reject) => {
    let bodyIsOut = false
    let isAnswering = false
    let isSettled = false
    let timer: NodeJS.Timeout | undefined
    const ended = new AbortController()
    const settle = (act: () => void): void => {
      if (isSettled) return
      isSettled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      ended.abort()
      act()
    }
    const failWith = (error: TelegramError): void =>
      settle(() => {
        outgoing.destroy()
        reject(error)
      })
    const fail = (reason: string): void => failWith(bodyIsOut ? answerLost(reason) : unreachable(reason))
    const within = (ms: number, reason: string): void => {
      // After a cancel, only its own limit counts.
      if (isSettled || signal?.aborted) return
      clearTimeout(timer)
      timer = setTimeout(() => fail(reason), ms)
    }
    const onAbort = (): void => {
      clearTimeout(timer)
      if (request.repeatable || !bodyIsOut) failWith(cancelled())
      else timer = setTimeout(() => fail('cancelled while waiting for it'), timeouts.answerAfterCancelMs)
    }

    const upload = (): void => {
      within(timeouts.stallMs, 'the upload stalled')
      void uploadBody({
        outgoing,
        body,
        rate: request.rate,
        ended: ended.signal,
        hasAnswer: () => isAnswering,
        onMoved: bytesOut => {
          if (isSettled) return
          within(timeouts.stallMs, 'the upload stalled')
          request.onBytesOut?.(bytesOut)
        },
        onHeld: () => clearTimeout(timer),
      })
    }

    signal?.addEventListener('abort', onAbort, { once: true })
    outgoing.on('socket', socket => {
      if (!socket.connecting) return upload()
      within(timeouts.connectMs, 'no connection in time')
      socket.once(connected, upload)
    })
    outgoing.on('error', error => fail(errorName(error)))
    outgoing.on('close', () => {
      if (!isAnswering) fail('the connection was closed')
    })
    outgoing.on('finish', () => {
      bodyIsOut = true
      within(timeouts.answerMs, 'no answer in time')
      if (!isSettled) request.onBytesOut?.(bodyBytes)
    })
    outgoing.on('response', incoming => {
      isAnswering = true
      let sinceMoved = 0
      const answer = new AnswerBody(Number(incoming.headers['content-length']), request.answer)
      outgoing.once('close', freeReads(incoming.socket))
      within(timeouts.stallMs, 'the answer stalled')
      incoming.on('data', (chunk: Buffer) => {
        if (isSettled) return
        sinceMoved += chunk.length
        if (sinceMoved >= MOVED_BYTES) {
          sinceMoved = 0
          within(timeouts.stallMs, 'the answer stalled')
        }
        if (!answer.add(chunk)) failWith(tooLong())
      })
      incoming.on('error', error => fail(errorName(error)))
      incoming.on('end', () => {
        settle(() => {
          // A server may refuse before it has the whole body (413): the rest is not sent.
          if (!bodyIsOut) outgoing.destroy()
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: answer.bytes(),
          })
        })
      })
    })
  })
}

const NETWORK_HINT = 'Check the network, and TELEGRAM_API_ROOT if you set it.'

function unreachable(reason: string): TelegramError {
  return new TelegramError(`The Bot API server could not be reached (${reason})`, {
    code: 'UNREACHABLE',
    hint: NETWORK_HINT,
  })
}

function answerLost(reason: string): TelegramError {
  return new TelegramError(`The Bot API server gave no answer (${reason})`, {
    code: 'ANSWER_LOST',
    hint: NETWORK_HINT,
  })
}

function tooLong(): TelegramError {
  return new TelegramError('The Bot API server’s answer is longer than it may be', { code: 'UNPROVEN' })
}

/** An errno name such as ECONNREFUSED. Never the message, which may quote an address or a path. */
function errorName(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  return typeof code === 'string' ? code : 'connection failed'
}
