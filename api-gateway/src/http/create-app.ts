import { assertScope } from '@telegram-backup/engine/jobs/key-rights.ts'
import { BackupError } from '@telegram-backup/errors'
import express, { type Express, type RequestHandler, type Response } from 'express'
import helmet from 'helmet'
import { refuseAmbiguous } from '#http/ambiguous-requests.ts'
import { describeApi } from '#http/api-document.ts'
import { openAuthentication } from '#http/authentication.ts'
import { DOCS_POLICY, docsPage } from '#http/docs-page.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { inTurn } from '#http/in-turn.ts'
import { readJson } from '#http/json-body.ts'
import { metricsDoor } from '#http/metrics-door.ts'
import { answerErrors } from '#http/problems.ts'
import { callerOf, note, openContext } from '#http/request-context.ts'
import { backupRoutes } from '#http/routes/backup-routes.ts'
import { contentRoute } from '#http/routes/content-route.ts'
import { jobEvents, OpenStreams } from '#http/routes/job-events.ts'
import { jobRoutes } from '#http/routes/job-routes.ts'
import type { Answer, Route } from '#http/routes/route.ts'
import { scheduleRoutes } from '#http/routes/schedule-routes.ts'
import { uploadRoute } from '#http/routes/upload-route.ts'
import { TransferMemory } from '#http/transfer-memory.ts'
import { AnswersUnderWay, dropUnread } from '#http/unread-answers.ts'

/** The HTTP API, ready to be listened with. */
export interface HttpApp {
  app: Express
  /** Ends what would go on by itself: to be called before the connections are waited for. */
  endStreams(): void
  /** Resolves when nothing is at work for a request any more; to be called when the connections are gone. */
  close(): Promise<void>
}

/** Makes the application; it asks nothing of anybody before the first request. */
export function createApp(ports: HttpPorts): HttpApp {
  const { settings, log } = ports
  const authentication = openAuthentication(ports)
  const app = express()
  app
    .disable('x-powered-by')
    .disable('etag')
    .set('query parser', 'simple')
    .set('case sensitive routing', true)
  if (settings.trust_proxy !== undefined) app.set('trust proxy', settings.trust_proxy)
  app.use(inTurn())
  app.use(openContext(log, ports.metrics?.observeRequest))
  app.use(
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives: NOTHING },
      // Whoever puts TLS in front says how long it is to be there.
      strictTransportSecurity: false,
    }),
  )
  app.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store')
    next()
  })
  app.use(dropUnread(settings.stall_seconds * 1_000), refuseAmbiguous)
  const streams = new OpenStreams()
  const routes = routesOf(ports, streams)
  addOpenPages(app, ports, { routes, door: metricsDoor(settings, authentication.authenticate) })
  app.use('/api/v1', authentication.authenticate, authentication.limitRate)
  // The route of an upload goes before the one that takes its last word for an id.
  const underWay = new Set<Promise<unknown>>()
  const answers = new AnswersUnderWay()
  const readBody = readJson({ withinMs: Math.min(LONGEST_JSON_MS, settings.stall_seconds * 1_000) })
  for (const route of routes) addRoute(app, route, { underWay, answers, readBody })
  refuseOtherMethods(app, routes)
  app.use(() => {
    throw new BackupError('There is nothing at this path', { code: 'NOT_FOUND', hint: 'See /docs.' })
  })
  app.use(answerErrors)
  return {
    app,
    endStreams: () => streams.endAll(),
    close: async () => {
      await Promise.allSettled(underWay)
      authentication.close()
    },
  }
}

/** One that small does not take longer, unless somebody wants it to. */
const LONGEST_JSON_MS = 10_000

/** Answers are data: no browser is to make a page of them. */
const NOTHING = { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] }

function routesOf(ports: HttpPorts, streams: OpenStreams): Route[] {
  const memory = new TransferMemory(ports.settings.transfer_memory_mib)
  return [
    uploadRoute(ports, memory),
    ...backupRoutes(ports),
    contentRoute(ports, memory),
    ...jobRoutes(ports),
    jobEvents(ports, streams),
    ...scheduleRoutes(ports),
  ]
}

function addRoute(
  app: Express,
  route: Route,
  of: { underWay: Set<Promise<unknown>>; answers: AnswersUnderWay; readBody: RequestHandler },
): void {
  const { underWay, answers, readBody } = of
  const path = pathOf(route)
  app[route.method](
    path,
    (request, response, next) => {
      note(response, { route: path })
      // A look at the head of a stream would set it going.
      if (request.method === 'HEAD' && !hasHead(route)) return next('route')
      assertScope(callerOf(response), route.scope)
      next()
    },
    ...(route.body === undefined ? [] : [readBody]),
    async (request, response) => {
      const answering = route.handle({ caller: callerOf(response), request, response })
      underWay.add(answering)
      const answer = await answering.finally(() => underWay.delete(answering))
      if (answer !== undefined) send(response, answer, answers)
    },
  )
}

function hasHead({ method, hasHead: isAnswered = false, answers }: Route): boolean {
  const isStream = Object.values(answers).some(({ contentType }) => contentType !== undefined)
  return method === 'get' && (isAnswered || !isStream)
}

function pathOf({ path }: Route): string {
  return `/api/v1${path.replace('{id}', ':id')}`
}

function send(
  response: Response,
  { status, body, headers = {} }: NonNullable<Answer>,
  answers: AnswersUnderWay,
): void {
  response.status(status).set(headers)
  if (body === undefined) response.end()
  // What was done is told in any case, and in a few words.
  else if (response.req.method !== 'GET') response.json(body)
  else answers.sendJson(response, callerOf(response).id, body)
}

/** What is at a path, but not by that method. */
function refuseOtherMethods(app: Express, routes: readonly Route[]): void {
  const byPath = Map.groupBy(routes, pathOf)
  for (const [path, there] of byPath) {
    const methods = there.map(({ method }) => method.toUpperCase())
    const head = there.some(hasHead) ? ['HEAD'] : []
    app.all(path, refuse([...methods, ...head]))
  }
}

function refuse(allowed: readonly string[]): RequestHandler {
  return (request, response) => {
    response.set('Allow', allowed.join(', '))
    throw new BackupError(`${request.method} is not for this path`, {
      code: 'METHOD_NOT_ALLOWED',
      hint: `Use ${allowed.join(' or ')}; see /docs.`,
    })
  }
}

/** What needs no key. */
function addOpenPages(
  app: Express,
  { readiness, metrics, version }: HttpPorts,
  of: { routes: readonly Route[]; door: RequestHandler },
): void {
  const document = describeApi(of.routes, version)
  const page = docsPage(document)
  const pages: Record<string, RequestHandler[]> = {
    '/healthz': [(_request, response) => void response.json({ status: 'ok' })],
    '/readyz': [
      async (_request, response) => {
        const ready = await readiness()
        response.status(ready.catalog && ready.chat ? 200 : 503).json(ready)
      },
    ],
    '/openapi.json': [(_request, response) => void response.json(document)],
    '/docs': [
      (_request, response) =>
        void response.set('Content-Security-Policy', DOCS_POLICY).type('html').send(page),
    ],
    ...(metrics && {
      '/metrics': [
        of.door,
        async (_request, response) => {
          const { contentType, text } = await metrics.render()
          response.set('Content-Type', contentType).send(text)
        },
      ],
    }),
  }
  for (const [path, handlers] of Object.entries(pages)) {
    app.get(path, (_request, response, next) => {
      note(response, { route: path })
      next()
    })
    app.get(path, ...handlers)
    app.all(path, refuse(['GET', 'HEAD']))
  }
}
