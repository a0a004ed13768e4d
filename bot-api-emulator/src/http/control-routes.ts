import { ApiRefusal, refusal } from '#answers.ts'
import type { Controls } from '#control/controls.ts'
import { isFault } from '#control/fault.ts'
import type { RandomFaults } from '#control/random-faults.ts'
import { EmulatorError } from '#errors.ts'
import { answerJson } from '#http/answering.ts'
import { wholeBody } from '#http/cutting.ts'
import { answerFailure, type Exchange } from '#http/exchange.ts'
import { isLoopback } from '#http/loopback.ts'
import { parseJson } from '#requests/request-body.ts'
import type { ChatDeclaration } from '#world/declaring.ts'
import type { AdministratorRights } from '#world/records.ts'

/** A JSON body of a control request. */
type Order = Readonly<Record<string, unknown>>

/** What a control request gives: JSON, or bytes. */
type Outcome = unknown | Buffer

/**
 * Answers `/_emulator/…`, the controls for tests in other processes. Loopback only, and never for a browser's
 * page. Success is plain JSON, failure `{ error: { code, message } }` with 400, and 404 for an unknown path.
 */
export async function answerControl(exchange: Exchange, path: string, controls: Controls): Promise<void> {
  const { request, response, query } = exchange
  if (!isLoopback(request.socket.remoteAddress) || request.headers.origin !== undefined) {
    return answerFailure(exchange, refusal('notFound'))
  }
  try {
    const order = await readOrder(exchange)
    const outcome = await perform(`${request.method} ${path}`, { order, query, controls })
    if (Buffer.isBuffer(outcome)) response.writeHead(200, { 'Content-Length': outcome.length }).end(outcome)
    else answerJson(response, 200, outcome ?? {})
  } catch (error) {
    if (error instanceof ApiRefusal || response.destroyed) return answerFailure(exchange, error)
    const code = error instanceof EmulatorError ? error.code : 'BAD_REQUEST'
    const message = error instanceof Error ? error.message : String(error)
    answerJson(response, 400, { error: { code, message } })
  }
}

interface ControlCall {
  readonly order: Order
  readonly query: URLSearchParams
  readonly controls: Controls
}

async function perform(route: string, { order, query, controls }: ControlCall): Promise<Outcome> {
  const { inspect, faults, clock } = controls
  const messages = /^GET chats\/(-?\d+)\/messages$/.exec(route)
  if (messages !== null) {
    const chatId = Number(messages[1])
    return query.get('all') === 'true' ? inspect.allMessages(chatId) : inspect.messages(chatId)
  }
  const document = /^GET chats\/(-?\d+)\/messages\/(\d+)\/document$/.exec(route)
  if (document !== null) return inspect.documentBytes(Number(document[1]), Number(document[2]))
  const human = /^POST humans\/(\S+)$/.exec(route)
  if (human !== null) return actAsHuman(human[1] ?? '', order, controls)
  switch (route) {
    case 'GET bots':
      return inspect.bots()
    case 'POST bots':
      return controls.createBot(
        order['username'] === undefined ? {} : { username: textIn(order, 'username') },
      )
    case 'GET chats':
      return inspect.chats()
    case 'POST chats':
      return controls.createChat(order as unknown as ChatDeclaration)
    case 'POST faults': {
      const fault = order['fault']
      if (!isFault(fault)) throw badRequest('fault')
      return faults.on(textIn(order, 'method'), timingIn(order), fault)
    }
    case 'POST faults/random': {
      const kinds = order['kinds']
      if (!Array.isArray(kinds) || !kinds.every(isFault)) throw badRequest('kinds')
      return faults.atRandom({ ...(order as unknown as RandomFaults), kinds })
    }
    case 'DELETE faults':
      return faults.clear()
    case 'GET clock':
      return { now: clock.now() }
    case 'POST clock':
      clock.advance(numberIn(order, 'advanceMs'))
      return { now: clock.now() }
    case 'GET calls': {
      const method = query.get('method')
      if (method === null) return { calls: inspect.calls(), late: inspect.lateCalls() }
      return { calls: inspect.calls(method), maximumConcurrent: inspect.maximumConcurrent(method) }
    }
    case 'GET requests':
      return inspect.requests()
    default:
      throw refusal('notFound')
  }
}

async function actAsHuman(action: string, order: Order, { asHuman }: Controls): Promise<Outcome> {
  const chatId = () => numberIn(order, 'chatId')
  const messageId = () => numberIn(order, 'messageId')
  const bot = () => ({ id: numberIn(order, 'botId') })
  switch (action) {
    case 'post': {
      const document = order['document'] as { fileName: string; base64: string } | undefined
      const bytes = document && Buffer.from(document.base64, 'base64')
      return {
        messageId: await asHuman.post(chatId(), {
          ...(order['text'] === undefined ? {} : { text: textIn(order, 'text') }),
          ...(order['caption'] === undefined ? {} : { caption: textIn(order, 'caption') }),
          ...(document && bytes ? { document: { fileName: document.fileName, bytes } } : {}),
        }),
      }
    }
    case 'edit':
      return asHuman.edit(chatId(), messageId(), textIn(order, 'text'))
    case 'delete-message':
      return asHuman.deleteMessage(chatId(), messageId())
    case 'pin':
      return asHuman.pin(chatId(), messageId())
    case 'unpin':
      return asHuman.unpin(chatId(), order['messageId'] === undefined ? undefined : messageId())
    case 'promote':
      return asHuman.promote(chatId(), bot(), order['rights'] as Partial<AdministratorRights> | undefined)
    case 'demote':
      return asHuman.demote(chatId(), bot())
    case 'kick':
      return asHuman.kick(chatId(), bot())
    case 'migrate':
      return { chatId: await asHuman.migrate(chatId()) }
    case 'revoke-token':
      return asHuman.revokeToken(bot())
    default:
      throw refusal('notFound')
  }
}

async function readOrder({ request }: Exchange): Promise<Order> {
  const pieces: Buffer[] = []
  for await (const piece of wholeBody(request)) pieces.push(piece)
  const text = Buffer.concat(pieces).toString('utf8')
  const parsed = text === '' ? {} : parseJson(text)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw badRequest('body')
  return parsed as Order
}

function timingIn(order: Order): { call?: number; calls?: number } {
  return {
    ...(order['call'] === undefined ? {} : { call: numberIn(order, 'call') }),
    ...(order['calls'] === undefined ? {} : { calls: numberIn(order, 'calls') }),
  }
}

function numberIn(order: Order, name: string): number {
  const value = order[name]
  if (typeof value !== 'number') throw badRequest(name)
  return value
}

function textIn(order: Order, name: string): string {
  const value = order[name]
  if (typeof value !== 'string') throw badRequest(name)
  return value
}

function badRequest(name: string): EmulatorError {
  return new EmulatorError(`"${name}" is missing or of the wrong kind.`, { code: 'BAD_REQUEST' })
}
