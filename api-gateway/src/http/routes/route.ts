import type { ApiKey, ApiScope } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { describeIssue, hintOf, plainWords } from '#http/plain-words.ts'

/** What a route may answer with. */
export interface DescribedAnswer {
  description: string
  /** Left out where there is no body. */
  schema?: z.ZodType
  /** `application/json` unless given. */
  contentType?: string
  headers?: Readonly<Record<string, string>>
}

/** A route as the router, the checks and the OpenAPI document see it. */
export interface RouteDescription {
  method: 'get' | 'post' | 'patch' | 'delete'
  /** Below `/api/v1`, with `{id}` for the one parameter there may be. */
  path: string
  /** The name of the operation in the document. */
  name: string
  summary: string
  scope: ApiScope
  query?: z.ZodObject | undefined
  body?: z.ZodType | undefined
  /** The body is bytes, and the route reads it itself. */
  takesBytes?: boolean
  /** HEAD is answered as well, though GET is answered with a stream. */
  hasHead?: boolean
  /** It may carry an `Idempotency-Key`. */
  idempotent?: boolean
  answers: Readonly<Record<number, DescribedAnswer>>
  /** Statuses of problems beyond those that every route can answer with. */
  problems?: readonly number[]
}

/** What a route is asked, checked. */
export interface ApiRequest<Query, Body> {
  /** Empty for a route without one. */
  id: string
  query: Query
  body: Body
  idempotencyKey: string | undefined
  caller: ApiKey
  request: Request
  response: Response
}

/** What a route answers; undefined when it has written its answer itself. */
export type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | undefined

/** A route and what it does. */
export interface Route extends RouteDescription {
  handle(asked: { caller: ApiKey; request: Request; response: Response }): Promise<Answer>
}

/** Ties a route's schemas to what it does: that gets nothing unchecked. */
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
      const id = request.params['id']
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
    hint: 'A UUID will do, a new one for each thing that is asked for.',
  })
}
