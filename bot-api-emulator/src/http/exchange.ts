import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { ApiRefusal, floodRefusal, refusal, wrappedFloodRefusal } from '#answers.ts'
import type { Fault } from '#control/fault.ts'
import type { Faults } from '#control/faults.ts'
import type { Traffic } from '#control/traffic.ts'
import type { Watchers } from '#control/watchers.ts'
import type { DocumentStore } from '#files/document-store.ts'
import { answerEmpty, answerProxyPage, answerRefusal, answerResult } from '#http/answering.ts'
import { ConnectionCut, drain } from '#http/cutting.ts'
import type { EmulatorLimits } from '#limits.ts'
import type { LongPolls } from '#methods/long-polls.ts'
import type { Pace } from '#methods/pace.ts'
import type { UploadSpacing } from '#methods/upload-spacing.ts'
import { RequestRejected } from '#requests/rejection.ts'
import type { World } from '#world/world.ts'

/** What every request works on. */
export interface Backstage {
  readonly world: World
  readonly store: DocumentStore
  readonly limits: EmulatorLimits
  readonly pace: Pace
  readonly spacing: UploadSpacing
  readonly polls: LongPolls
  readonly faults: Faults
  readonly traffic: Traffic
  readonly watchers: Watchers
  readonly rangeRequests: boolean
  /** Resolves when everything that happened so far is on disk; no answer leaves before. */
  readonly kept: () => Promise<void>
}

/**
 * One request and its answer. `signal` is aborted when the client goes away or the emulator closes, `closing`
 * only then.
 */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  readonly signal: AbortSignal
  readonly closing: AbortSignal
}

/**
 * Faults that come before any work: the connection is cut (ConnectionCut is thrown), or the request waits.
 */
export async function sufferBefore(fault: Fault | undefined, signal: AbortSignal): Promise<void> {
  if (fault?.kind === 'reset-before') throw new ConnectionCut()
  if (fault?.kind === 'delay') await wait(fault.ms, undefined, { signal })
}

/**
 * Faults that answer in place of the work of a method (or of `download`); false when this is none of them.
 */
export function answerInstead(response: ServerResponse, fault: Fault | undefined, method: string): boolean {
  switch (fault?.kind) {
    case 'status':
      answerStatus(response, fault)
      return true
    case 'flood':
      throw fault.wrapped400
        ? wrappedFloodRefusal(fault.retryAfterSeconds)
        : floodRefusal(fault.retryAfterSeconds)
    case 'error':
      throw new ApiRefusal(fault.errorCode, fault.description)
    case 'too-large':
      if (fault.body === 'json') throw refusal('bodyTooLarge')
      if (fault.body === 'html') answerProxyPage(response, 413, 'Request Entity Too Large')
      else answerEmpty(response, 413)
      return true
    case 'false-true':
      if (method.toLowerCase() !== 'deletemessages') return false
      answerResult(response, true)
      return true
    default:
      return false
  }
}

/** The end of the connection for a call that is done late: cut, or left with the page of a proxy. */
export function answerBeforehand(
  { request, response }: Exchange,
  { answer = 'reset' }: Extract<Fault, { kind: 'late' }>,
): void {
  if (answer === 'reset') request.socket.resetAndDestroy()
  else answerProxyPage(response, 502, STATUS_REASONS[502])
}

const STATUS_REASONS = {
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
} as const

function answerStatus(response: ServerResponse, fault: Extract<Fault, { kind: 'status' }>): void {
  const reason = STATUS_REASONS[fault.status]
  // Only a 500 comes from the Bot API itself; the others are the proxy's, unless JSON is asked for.
  if (fault.html ?? fault.status !== 500) answerProxyPage(response, fault.status, reason)
  else throw new ApiRefusal(fault.status, reason)
}

/** Resolves when the answer has gone to the network, or the connection is gone. */
export async function answerGone({ response }: Exchange): Promise<void> {
  if (response.writableFinished || response.destroyed || !response.writableEnded) return
  await new Promise<void>(resolve => {
    response.once('finish', resolve).once('close', resolve)
  })
}

/** Answers what went wrong; nothing once an answer has begun, or when nobody is there to hear it. */
export async function answerFailure({ request, response }: Exchange, error: unknown): Promise<void> {
  if (error instanceof ConnectionCut) {
    request.socket.resetAndDestroy()
    return
  }
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  await drain(request)
  if (error instanceof RequestRejected) answerEmpty(response, error.status)
  else if (error instanceof ApiRefusal) answerRefusal(response, error)
  else answerRefusal(response, new ApiRefusal(500, `Internal Server Error: ${error}`))
}
