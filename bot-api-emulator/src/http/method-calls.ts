import { setTimeout as wait } from 'node:timers/promises'
import { refusal } from '#answers.ts'
import type { CallEvent } from '#control/watchers.ts'
import { answerResult } from '#http/answering.ts'
import { authenticate } from '#http/authentication.ts'
import { ConnectionCut, firstHalf, wholeBody } from '#http/cutting.ts'
import {
  answerBeforehand,
  answerFailure,
  answerGone,
  answerInstead,
  type Backstage,
  type Exchange,
  sufferBefore,
} from '#http/exchange.ts'
import type { Method, MethodCall } from '#methods/method.ts'
import { methodNamed } from '#methods/table.ts'
import { ServedLater, Turn } from '#methods/turn.ts'
import { readParameters } from '#requests/request-body.ts'
import { RequestParameters } from '#requests/request-parameters.ts'

/** Which method, and with whose token. */
interface MethodRoute {
  readonly token: string
  readonly method: string
}

/**
 * A call of a method from its first byte to the answer; what it changed is on disk before the answer leaves.
 * Once the body has come the work is done, whether or not the client is still there.
 */
export async function answerMethod(
  exchange: Exchange,
  route: MethodRoute,
  backstage: Backstage,
): Promise<void> {
  const { request, response, query, signal } = exchange
  const { world, store, limits, traffic, watchers } = backstage
  const fault = backstage.faults.next(route.method)
  const visit = traffic.begin(route.method)
  const method = route.method.toLowerCase()
  const botId = world.botByToken(route.token)?.id
  let parameters = new RequestParameters()
  const tell = (phase: CallEvent['phase']): Promise<void> =>
    watchers.tell({ method, phase, call: visit.call, botId, parameters: parameters.texts })
  const perform = async (): Promise<unknown> => {
    const result = await performMethod(route, parameters, { ...backstage, ...exchange })
    await backstage.kept()
    await tell('kept')
    return result
  }
  let lateWork: Promise<void> | undefined
  try {
    await sufferBefore(fault, signal)
    const body = fault?.kind === 'reset-during' ? firstHalf(request) : wholeBody(request)
    parameters = await readParameters({ request, body, query, store, limits })
    await tell('arrived')
    if (fault?.kind === 'late') {
      lateWork = traffic.late(performLate(fault.ms, perform, exchange.closing))
      answerBeforehand(exchange, fault)
    } else if (!answerInstead(response, fault, method)) {
      const result = await perform()
      if (fault?.kind === 'answer-lost') throw new ConnectionCut()
      answerResult(response, result)
    }
  } catch (error) {
    await answerFailure(exchange, error)
  } finally {
    visit.end({
      atMs: world.clock.now(),
      botId,
      parameters: parameters.texts,
      uploadBytes: sizeOfUploads(parameters),
      status: response.headersSent ? response.statusCode : undefined,
      ...(fault ? { fault: fault.kind } : {}),
    })
    await answerGone(exchange)
    await tell('answered')
    await lateWork
    await discardUnused(parameters, backstage)
  }
}

async function performMethod(
  route: MethodRoute,
  parameters: RequestParameters,
  backstage: Backstage & Exchange,
): Promise<unknown> {
  const bot = authenticate(backstage.world, route.token)
  const method = methodNamed(route.method)
  if (method === undefined) throw refusal('methodNotFound')
  await pause(backstage.spacing.take(bot.id, sizeOfUploads(parameters)), backstage)
  return inTurn(method, { ...backstage, bot, parameters, turn: new Turn({ ...backstage, bot }) }, backstage)
}

/** Calls the method, and again after each wait that it asks for. */
async function inTurn(method: Method, call: MethodCall, backstage: Backstage & Exchange): Promise<unknown> {
  try {
    return await method(call)
  } catch (error) {
    if (!(error instanceof ServedLater)) throw error
    await pause(error.ms, backstage)
    return inTurn(method, call, backstage)
  }
}

/** Waits as long as the server lets a call wait. The client's end does not end it. */
async function pause(ms: number, { limits, closing }: Backstage & Exchange): Promise<void> {
  const realMs = ms * limits.latencyScale
  if (realMs > 0) await wait(realMs, undefined, { signal: closing })
}

/**
 * Does the work of a call that has been answered. Nobody hears of a refusal; closing the emulator forgets the
 * call.
 */
async function performLate(ms: number, perform: () => Promise<unknown>, closing: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal: closing })
    await perform()
  } catch {}
}

function sizeOfUploads(parameters: RequestParameters): number {
  return parameters.uploads.reduce((sum, file) => sum + file.sizeBytes, 0)
}

/** Removes the files that the call brought and no document holds. */
async function discardUnused(parameters: RequestParameters, { world, store }: Backstage): Promise<void> {
  if (parameters.uploads.length === 0) return
  const used = new Set([...world.documents.values()].map(document => document.storedAs))
  for (const { storedAs } of parameters.uploads) if (!used.has(storedAs)) await store.discard(storedAs)
}
