import type { ApiKey, ApiScope } from '@telegram-backup/database'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { BackupError } from '#lib/backups/backup-error.ts'

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
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BackupError(`The ${where} is refused: ${wordsOf(issue as z.core.$ZodIssue, where)}`, {
    code: 'INVALID',
    hint: knownFields(schema, where) ?? 'See /docs for what may stand there.',
  })
}

/** What may stand there, by the names that the schema has. */
function knownFields(schema: z.ZodType, where: string): string | undefined {
  if (!(schema instanceof z.ZodObject)) return undefined
  const names = Object.keys(schema.shape)
  const noun = where === 'query' ? 'parameters' : 'fields'
  return names.length === 0
    ? `There are no ${noun} here.`
    : `The ${noun} are ${names.join(', ')}; see /docs for what may stand there.`
}

/** Of a name that somebody else made up, what is told of it. */
const MOST_OF_NAME = 40

/** Names the field, never what stands in it. */
function wordsOf(issue: z.core.$ZodIssue, where: string): string {
  if (issue.code === 'unrecognized_keys') {
    const [name = ''] = issue.keys
    const shown = JSON.stringify(name.slice(0, MOST_OF_NAME).toWellFormed())
    return `unknown ${where === 'query' ? 'parameter' : 'field'} ${shown}`
  }
  const field = issue.path.join('.')
  return field === '' ? issue.message : `${field}: ${issue.message}`
}

function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.get('Idempotency-Key')
  if (key === undefined || /^[\x21-\x7e]{1,200}$/.test(key)) return key
  throw new BackupError('The Idempotency-Key is refused: 1 to 200 visible ASCII characters', {
    code: 'INVALID',
  })
}
