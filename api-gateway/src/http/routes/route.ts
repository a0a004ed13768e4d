import type { ApiScope } from '@telegram-backup/database'
import {
  assertRecentFactor,
  assertScope,
  type Caller,
  ownSession,
} from '@telegram-backup/engine/access/caller.ts'
import { BackupError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { describeIssue, hintOf, plainWords } from '#http/plain-words.ts'
import { callerOf } from '#http/request-context.ts'

/** One answer of a route. */
export interface DescribedAnswer {
  description: string
  /** Not for an answer without a body. */
  schema?: z.ZodType
  /** `application/json` unless given. */
  contentType?: string
  /** Another type that a client may ask for by `Accept`. */
  orAs?: string
  headers?: Readonly<Record<string, string>>
}

/** A route for the router, the checks of requests, and the OpenAPI document. */
export interface RouteDescription {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Below `/api/v1`; the only parameter is `{id}`, or `{name}` of a source. */
  path: string
  /** The operation’s name in the document. */
  name: string
  summary: string
  /** Null: everybody with a valid key or session may ask. Session: people alone. Open: without either. */
  scope: ApiScope | null | 'session' | 'open'
  /** A person without the scope may ask too, about what is their own. */
  isForOwn?: boolean
  /** A person must have proved within the last five minutes who they are. */
  needsFactor?: boolean
  query?: z.ZodObject | undefined
  body?: z.ZodType | undefined
  /** The route reads the body itself, as bytes. */
  takesBytes?: boolean
  /** HEAD is allowed, although GET answers with a stream. */
  hasHead?: boolean
  /** The request may have an `Idempotency-Key`. */
  idempotent?: boolean
  answers: Readonly<Record<number, DescribedAnswer>>
  /** Statuses of problems, in addition to those of every route. */
  problems?: readonly number[]
}

/** A request whose query and body match the schemas of the route. */
export interface ApiRequest<Query, Body> {
  /** Or the name; empty if the path has neither. */
  id: string
  query: Query
  body: Body
  idempotencyKey: string | undefined
  caller: Caller
  request: Request
  response: Response
}

/** The answer; undefined if the route has sent it itself. */
export type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | undefined

/** Checks a request before its body is read, and answers it. */
export interface Route extends RouteDescription {
  /** Throws for a request that may not be made. */
  admit(request: Request, response: Response): void
  handle(request: Request, response: Response): Promise<Answer>
}

type Described<Query, Body> = Omit<RouteDescription, 'query' | 'body'> & {
  query?: Query
  body?: Body
}

/** Makes a route that checks each request before it calls `handle`. Throws `INVALID`. */
export function route<Query extends z.ZodObject, Body extends z.ZodType>(
  description: Described<Query, Body> & { scope: ApiScope | null | 'session' },
  handle: (request: ApiRequest<z.output<Query>, z.output<Body>>) => Promise<Answer>,
): Route {
  const { scope, isForOwn = false, needsFactor = false } = description
  return {
    ...description,
    admit: (_request, response) => {
      const caller = callerOf(response)
      const mayAsk = isForOwn && caller.kind === 'person'
      if (scope === 'session') ownSession(caller)
      else if (scope !== null && !mayAsk) assertScope(caller, scope)
      if (needsFactor) assertRecentFactor(caller)
    },
    handle: async (request, response) =>
      await handle({ ...checked(description, request), caller: callerOf(response), request, response }),
  }
}

/**
 * The same for a route that needs neither a key nor a session.
 * @param admit throws for a request that may not be made
 */
export function openRoute<Query extends z.ZodObject, Body extends z.ZodType>(
  description: Omit<Described<Query, Body>, 'scope'>,
  admit: (request: Request) => void,
  handle: (request: Omit<ApiRequest<z.output<Query>, z.output<Body>>, 'caller'>) => Promise<Answer>,
): Route {
  return {
    ...description,
    scope: 'open',
    admit,
    handle: async (request, response) =>
      await handle({ ...checked(description, request), request, response }),
  }
}

function checked<Query extends z.ZodObject, Body extends z.ZodType>(
  description: Omit<Described<Query, Body>, 'scope'>,
  request: Request,
): Pick<ApiRequest<z.output<Query>, z.output<Body>>, 'id' | 'query' | 'body' | 'idempotencyKey'> {
  const query = check(description.query ?? NO_QUERY, request.query, 'query') as z.output<Query>
  const body = (
    description.body === undefined ? undefined : check(description.body, request.body ?? {}, 'body')
  ) as z.output<Body>
  const id = request.params['id'] ?? request.params['name']
  const idempotencyKey = description.idempotent ? idempotencyKeyOf(request) : undefined
  return { id: typeof id === 'string' ? id : '', query, body, idempotencyKey }
}

const NO_QUERY = z.strictObject({})

function check<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string): z.output<Schema> {
  const parsed = schema.safeParse(value, { error: plainWords })
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0] as z.core.$ZodIssue
  throw new BackupError(`The ${where} is refused: ${describeIssue(issue, where)}`, {
    code: 'INVALID',
    hint: hintOf(issue, schema, where),
  })
}

function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.get('Idempotency-Key')
  if (key === undefined || /^[\x21-\x7e]{1,200}$/.test(key)) return key
  throw new BackupError('The Idempotency-Key is refused: 1 to 200 visible ASCII characters', {
    code: 'INVALID',
    hint: 'Use a new UUID for each thing that you request.',
  })
}
