import { randomUUID } from 'node:crypto'
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { BackupError } from '@telegram-backup/errors'
import { problemOf } from '#http/problems.ts'

/** Errors that Node reports before there is a request; all others are {@link MALFORMED}. */
const REFUSED: Readonly<Record<string, [status: number, code: string, words: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'TOO_LARGE', 'The head of the request is larger than 16 KiB'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'TOO_LARGE', 'The extensions of a chunk are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'TIMEOUT', 'The head of the request did not come in time'],
}
const MALFORMED = [400, 'INVALID', 'The request cannot be read'] as const

/** Answers input that never becomes a request with a problem, and closes the connection. */
export function answerUnreadable(server: Server): void {
  const answers = new WeakMap<Duplex, Set<ServerResponse>>()
  server.on('request', ({ socket }, response) => {
    const open = answers.get(socket) ?? new Set()
    answers.set(socket, open.add(response))
    response.once('close', () => open.delete(response))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // The client cannot read an answer without TLS.
    if (error.code?.startsWith('ERR_SSL_') || error.code?.startsWith('ERR_TLS_')) return void socket.destroy()
    // The client would take a second answer for a part of the first.
    const hasBegun = [...(answers.get(socket) ?? [])].some(({ headersSent }) => headersSent)
    if (hasBegun) return void socket.destroy()
    const [status, code, words] = REFUSED[error.code ?? ''] ?? MALFORMED
    end(socket, problemText(status, new BackupError(words, { code })))
  })
  server.on('connect', (_request, socket) => {
    end(
      socket,
      problemText(405, new BackupError('This server is not a proxy', { code: 'METHOD_NOT_ALLOWED' })),
    )
  })
}

function end(socket: Duplex, text: string): void {
  socket.on('error', () => {})
  if (socket.writable) socket.end(text, () => socket.destroy())
  else socket.destroy()
}

function problemText(status: number, error: BackupError): string {
  const requestId = randomUUID()
  const body = JSON.stringify({ ...problemOf(error, requestId), status, title: STATUS_CODES[status] })
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Cache-Control: no-store',
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options: nosniff',
    ...(status === 405 ? ['Allow: GET, HEAD, POST, PATCH, DELETE'] : []),
    `Connection: close\r\n\r\n${body}`,
  ].join('\r\n')
}
