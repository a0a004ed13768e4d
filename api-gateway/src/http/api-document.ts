import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi'
import type { DescribedAnswer, RouteDescription } from '#http/routes/route.ts'
import { PROBLEM } from '#http/schemas/backup-schemas.ts'
import { NAME, UUID } from '#http/schemas/terms.ts'

/** The OpenAPI 3.1 document, made from the schemas that check requests. */
export type ApiDocument = ReturnType<typeof createDocument>

/** The statuses of problems that every route can answer with. */
const ALWAYS = [400, 401, 403, 405, 421, 429, 500, 503]
const WITH_JSON = [408, 413, 415]

/** Describes the routes below `/api/v1` and the pages that need no key. */
export function describeApi(routes: readonly RouteDescription[], version: string): ApiDocument {
  const paths: ZodOpenApiPathsObject = {}
  for (const description of routes) {
    const path = `/api/v1${description.path}`
    paths[path] = { ...paths[path], [description.method]: operationOf(description) }
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'telegram-backup',
      version,
      description:
        'Backups whose vault is a Telegram chat. Errors are application/problem+json (RFC 9457), with the error codes of the command line.',
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }, { session: [] }],
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'telegram-backup apikey create prints one.' },
        session: {
          ...{ type: 'apiKey', in: 'cookie', name: '__Host-tb_session' },
          description: 'POST /api/v1/session sets it; without TLS, its name is tb_session.',
        },
      },
    },
    paths: { ...paths, ...OUTSIDE },
  })
}

const WHO: Readonly<Record<string, string>> = {
  open: 'Needs neither a key nor a session.',
  any: 'Everybody with a valid key or session may ask.',
  session: 'Needs a session: keys have none.',
}
const OWN = ' A person without it may ask about their own.'
const FACTOR = ' A person must have proved within the last five minutes who they are (FACTOR_NEEDED).'

function operationOf(description: RouteDescription): ZodOpenApiOperationObject {
  const { name, summary, scope, isForOwn, needsFactor, path, query, body, takesBytes, idempotent } =
    description
  const hasId = path.includes('{id}')
  const hasName = path.includes('{name}')
  return {
    operationId: name,
    summary,
    ...(scope === 'open' && { security: [] }),
    ...(scope === 'session' && { security: [{ session: [] }] }),
    description: `${WHO[scope ?? 'any'] ?? `Needs the scope ${scope}.`}${isForOwn ? OWN : ''}${needsFactor ? FACTOR : ''}`,
    requestParams: {
      ...(hasId && { path: z.object({ id: UUID }) }),
      ...(hasName && { path: z.object({ name: NAME }) }),
      ...(query && { query }),
      ...(idempotent && {
        header: z.object({
          'Idempotency-Key': z
            .string()
            .regex(/^[\x21-\x7e]{1,200}$/)
            .optional()
            .meta({ description: 'A repeated key returns the first job.' }),
        }),
      }),
    },
    ...(body && {
      requestBody: {
        content: { 'application/json': { schema: body } },
        required: !body.safeParse({}).success,
      },
    }),
    ...(takesBytes && {
      requestBody: {
        content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
        required: true,
      },
    }),
    responses: responsesOf(description),
  }
}

function responsesOf({
  answers,
  problems = [],
  body,
}: RouteDescription): ZodOpenApiOperationObject['responses'] {
  const statuses = [...new Set([...ALWAYS, ...problems, ...(body ? WITH_JSON : [])])].sort()
  return {
    ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)])),
    ...Object.fromEntries(
      statuses.map(status => [
        status,
        {
          description: STATUS_CODES[status] ?? 'Error',
          content: { 'application/problem+json': { schema: PROBLEM } },
        },
      ]),
    ),
  }
}

function responseOf({ description, schema, contentType, orAs, headers = {} }: DescribedAnswer) {
  const other = orAs === undefined ? {} : { [orAs]: { schema: { type: 'string' as const } } }
  const content = schema
    ? { 'application/json': { schema }, ...other }
    : contentType && { [contentType]: { schema: { type: 'string' as const } } }
  return {
    description,
    ...(content && { content }),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, words]) => [
        name,
        { description: words, schema: { type: 'string' as const } },
      ]),
    ),
  }
}

const READINESS = z.object({ catalog: z.boolean(), chat: z.boolean() })
const HEALTH = { 'application/json': { schema: z.object({ status: z.literal('ok') }) } }
const PROBLEM_CONTENT = { 'application/problem+json': { schema: PROBLEM } }
const OPEN = { security: [] }

const OUTSIDE: ZodOpenApiPathsObject = {
  '/healthz': {
    get: {
      ...OPEN,
      operationId: 'isAlive',
      summary: 'Whether the process is alive',
      responses: { 200: { description: 'The process is alive', content: HEALTH } },
    },
  },
  '/readyz': {
    get: {
      ...OPEN,
      operationId: 'isReady',
      summary: 'Whether the catalog and the chat can be reached',
      responses: {
        200: { description: 'Both can be reached', content: { 'application/json': { schema: READINESS } } },
        503: {
          description: 'One of them cannot be reached',
          content: { 'application/json': { schema: READINESS } },
        },
      },
    },
  },
  '/metrics': {
    get: {
      security: [{}, { key: [] }],
      operationId: 'getMetrics',
      summary: 'Metrics for Prometheus; without a key only on the loopback address and without a proxy',
      responses: {
        200: { description: 'The metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
        401: { description: 'Unauthorized', content: PROBLEM_CONTENT },
        403: { description: 'Forbidden', content: PROBLEM_CONTENT },
        429: { description: 'Too Many Requests', content: PROBLEM_CONTENT },
      },
    },
  },
}
