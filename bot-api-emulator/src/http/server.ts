import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { refusal } from '#answers.ts'
import { answerFailure, type Backstage, type Exchange } from '#http/exchange.ts'
import { answerDownload } from '#http/file-calls.ts'
import { answerMethod } from '#http/method-calls.ts'
import { routeOf } from '#http/routes.ts'

/** How long the Bot API keeps an idle connection (telegram-bot-api HttpServer.h). */
const IDLE_TIMEOUT_MS = 500_000

/** Answers a request below `/_emulator/`. */
export type ControlHandler = (exchange: Exchange, path: string) => Promise<void>

/** A server that listens. `close` ends every connection and resolves when no request is at work any more. */
export interface RunningServer {
  readonly url: string
  close(): Promise<void>
}

/** Listens on the address; rejects with Node's error (EADDRINUSE and so on) when that is impossible. */
export async function listen(
  address: { host: string; port: number },
  backstage: Backstage,
  control: ControlHandler,
): Promise<RunningServer> {
  const closing = new AbortController()
  const atWork = new Set<Promise<void>>()
  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    request.on('error', () => gone.abort())
    const [path = '', query] = (request.url ?? '').split(/\?(.*)/s)
    const signal = AbortSignal.any([closing.signal, gone.signal])
    const exchange = { request, response, query: new URLSearchParams(query), signal, closing: closing.signal }
    // What fails here failed while answering a failure: nothing is left but to hang up.
    const work = answer(exchange, path, backstage, control).catch(() => {
      response.destroy()
    })
    atWork.add(work)
    work.finally(() => atWork.delete(work))
  }
  const options = {
    maxHeaderSize: backstage.limits.maxHeaderBytes,
    // Node's own time limits would cut slow uploads off, which the Bot API takes its time for.
    requestTimeout: 0,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
  }
  const server = createServer(options, receive)
  await startListening(server, address)
  return {
    url: `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      closing.abort()
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await Promise.allSettled(atWork)
      await closed
    },
  }
}

async function startListening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function answer(
  exchange: Exchange,
  path: string,
  backstage: Backstage,
  control: ControlHandler,
): Promise<void> {
  const route = routeOf(path)
  switch (route.kind) {
    case 'method':
      return answerMethod(exchange, route, backstage)
    case 'download':
      return answerDownload(exchange, route, backstage)
    case 'control':
      return control(exchange, route.path)
    case 'unknown':
      return answerFailure(exchange, refusal('notFound'))
  }
}
