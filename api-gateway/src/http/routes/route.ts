import type { ApiKey, ApiScope } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { describeIssue, hintOf, plainWords } from '#http/plain-words.ts'

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
  /** Null: every valid key may ask. */
  scope: ApiScope | null
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
  caller: ApiKey
  request: Request
  response: Response
}

/** The answer; undefined if the route has sent it itself. */
export type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | undefined

export interface Route extends RouteDescription {
  handle(asked: { caller: ApiKey; request: Request; response: Response }): Promise<Answer>
}

/** Makes a route that checks each request before it calls `handle`. Throws `INVALID`. */
export function route<Query extends z.ZodObject, Body extends z.ZodType>(
  description: Omit<RouteDescription, 'query' | 'body'> & { query?: Query; body?: Body },
  handle: (request: ApiRequest<z.output<Query>, z.output<Body>>) => Promise<Answer>,
): Route {
  return {
    ...description,
    handle: async ({ caller, request, response }) => {
      const query = check(description.query ?? NO_QUERY, request.query, 'query') as z.output<Query>
      const body = (
        description.body === undefined ? undefined : check(description.body, request.body ?? {}, 'body')
      ) as z.output<Body>
      const id = request.params['id'] ?? request.params['name']
      const idempotencyKey = description.idempotent ? idempotencyKeyOf(request) : undefined
      return await handle({
        id: typeof id === 'string' ? id : '',
        query,
        body,
        idempotencyKey,
        caller,
        request,
        response,
      })
    },
  }
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
