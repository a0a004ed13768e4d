import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { request as sendSecurely } from 'node:https'
import { setTimeout as afterMs } from 'node:timers/promises'
import type { Gate } from '#torture/proxies/moments.ts'

/** What goes wrong with one call, decided when it arrives. */
export type ApiFault =
  /** The server never sees it. */
  | { readonly kind: 'unreachable' }
  /** Something on the way answers in the server's place. */
  | { readonly kind: 'bad-gateway' | 'server-error' | 'unavailable' }
  /** A flood wait, as a 429 or wrapped in a 400. */
  | { readonly kind: 'flood'; readonly seconds: number; readonly wrapped: boolean }
  /** getFile's own way of passing on a failure behind it. */
  | { readonly kind: 'temporarily-unavailable' }
  /** The server does it; the answer is lost, or becomes a proxy's page. */
  | { readonly kind: 'answer-lost' | 'answer-becomes-bad-gateway' | 'answer-cut-short' }
  /**
   * The client hears of a failure at once; the server does the work so much later, or only when `deliverLate`
   * is called.
   */
  | { readonly kind: 'late'; readonly ms: number | 'held'; readonly answer: 'reset' | 'bad-gateway' }
  /** The answer is a file with one bit turned. */
  | { readonly kind: 'flip-bit' }
  /** All is well, but slow. */
  | { readonly kind: 'slow'; readonly ms: number }

/** A way to a Bot API server on which each call can be stopped. */
export interface ApiProxy {
  /** API root without trailing slash. */
  readonly url: string
  calls(): number
  /** Sends what was held back; resolves when the server has answered all that is still under way. */
  deliverLate(): Promise<void>
  /** How many calls are held until `deliverLate`. */
  held(): number
  close(): Promise<void>
}

/**
 * Calls that only look. Taking a keyboard away that is not there is the program's way to ask whether a
 * message exists.
 */
const LOOKS = /^(get|download$|editmessagereplymarkup$|sendchataction$)/

interface Call {
  method: string
  request: IncomingMessage
  response: ServerResponse
  body: Buffer
}

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/**
 * Listens on 127.0.0.1 in front of `root`. `faultFor` is asked once for each call, in the order of arrival.
 */
export async function openApiProxy(
  root: string,
  options: { gate: Gate; faultFor: (method: string) => ApiFault | undefined },
): Promise<ApiProxy> {
  const underWay = new Set<Promise<unknown>>()
  let held: Array<() => Promise<unknown>> = []
  let count = 0

  const forward = (call: Call): Promise<Answer> => {
    const answer = ask(root, call)
    const settled = answer.catch(() => {}).finally(() => underWay.delete(settled))
    underWay.add(settled)
    return answer
  }

  const answerCall = async (call: Call): Promise<void> => {
    const { method, response } = call
    const number = ++count
    const fault = options.faultFor(method)
    if (fault && answerInstead(response, fault)) return
    if (fault?.kind === 'slow') await afterMs(fault.ms)
    if (fault?.kind === 'late') {
      const { ms } = fault
      const work = (): Promise<unknown> => forward(call).catch(() => {})
      if (ms === 'held') held.push(work)
      else underWay.add(afterMs(ms).then(work))
      return fault.answer === 'reset' ? cut(response) : page(response, 502, 'Bad Gateway')
    }
    const moment = { channel: 'api', number, changes: !LOOKS.test(method), what: method } as const
    const before = await options.gate({ ...moment, phase: 'before' })
    if (before === 'cut') return cut(response)
    const asked = forward(call)
    if (before === 'deliver') {
      await asked.catch(() => {})
      return cut(response)
    }
    const answer = await asked
    if (fault?.kind === 'answer-lost') return cut(response)
    if (fault?.kind === 'answer-becomes-bad-gateway') return page(response, 502, 'Bad Gateway')
    const after = await options.gate({ ...moment, phase: 'after' })
    if (after !== 'pass') return cut(response)
    response.writeHead(answer.status, headersOf(answer))
    if (fault?.kind === 'answer-cut-short') {
      response.write(answer.body.subarray(0, answer.body.length >> 1), () => cut(response))
      return
    }
    response.end(fault?.kind === 'flip-bit' ? flipped(answer.body) : answer.body)
  }

  const server = createServer((request, response) => {
    readBody(request)
      .then(body => answerCall({ method: methodOf(request), request, response, body }))
      .catch(() => cut(response))
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const deliverLate = async (): Promise<void> => {
    const works = held
    held = []
    for (const work of works) await work()
    while (underWay.size > 0) await Promise.all(underWay).then(() => underWay.clear())
  }
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    calls: () => count,
    held: () => held.length,
    deliverLate,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await deliverLate()
    },
  }
}

function methodOf({ url = '' }: IncomingMessage): string {
  if (url.startsWith('/file/')) return 'download'
  return (/^\/bot[^/]*\/(?:test\/)?([A-Za-z]+)/.exec(url)?.[1] ?? 'unknown').toLowerCase()
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  if (!request.complete) throw new Error('The body was cut short')
  return Buffer.concat(chunks)
}

async function ask(root: string, { request, body }: Call): Promise<Answer> {
  const { host: _, connection: __, 'transfer-encoding': ___, ...headers } = request.headers
  const url = new URL(root + request.url)
  const outgoing = (url.protocol === 'https:' ? sendSecurely : send)(url, {
    method: request.method ?? 'GET',
    headers: { ...headers, ...(body.length > 0 ? { 'content-length': String(body.length) } : {}) },
  })
  outgoing.end(body)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: await readBody(incoming) }
}

function headersOf({ headers, body }: Answer): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(
    ([name, value]) =>
      value !== undefined && !['transfer-encoding', 'connection', 'keep-alive'].includes(name),
  )
  return { ...(Object.fromEntries(kept) as Record<string, string>), 'content-length': String(body.length) }
}

function answerInstead(response: ServerResponse, fault: ApiFault): boolean {
  switch (fault.kind) {
    case 'unreachable':
      cut(response)
      return true
    case 'bad-gateway':
      page(response, 502, 'Bad Gateway')
      return true
    case 'unavailable':
      page(response, 503, 'Service Unavailable')
      return true
    case 'server-error':
      refuse(response, 500, 'Internal Server Error')
      return true
    case 'temporarily-unavailable':
      refuse(response, 400, 'Bad Request: wrong file_id or the file is temporarily unavailable')
      return true
    case 'flood':
      if (fault.wrapped) refuse(response, 400, `Bad Request: too Many Requests: retry after ${fault.seconds}`)
      else
        refuse(response, 429, `Too Many Requests: retry after ${fault.seconds}`, {
          retry_after: fault.seconds,
        })
      return true
    default:
      return false
  }
}

function refuse(response: ServerResponse, code: number, description: string, parameters?: object): void {
  const body = { ok: false, error_code: code, description, ...(parameters ? { parameters } : {}) }
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function page(response: ServerResponse, code: number, words: string): void {
  const html = `<html>\r\n<head><title>${code} ${words}</title></head>\r\n<body>\r\n<center><h1>${code} ${words}</h1></center>\r\n</body>\r\n</html>\r\n`
  response.writeHead(code, { 'content-type': 'text/html' }).end(html)
}

function cut(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

function flipped(body: Buffer): Buffer {
  const copy = Buffer.from(body)
  const at = copy.length >> 1
  copy[at] = (copy[at] ?? 0) ^ 4
  return copy
}
