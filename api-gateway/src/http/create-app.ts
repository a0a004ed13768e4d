import { ManifestCache } from '@telegram-backup/engine/restore/manifest-cache.ts'
import { BackupError } from '@telegram-backup/errors'
import express, { type Express, type RequestHandler, type Response } from 'express'
import helmet from 'helmet'
import { describeApi } from '#http/api-document.ts'
import { openAuthentication } from '#http/authentication.ts'
import { type BrowserGuards, openBrowserGuards } from '#http/browser-guards.ts'
import { refuseTwoCredentials } from '#http/credentials.ts'
import { DOCS_POLICY, docsPage } from '#http/docs-page.ts'
import { OpenStreams } from '#http/event-streams.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { readJson } from '#http/json-body.ts'
import { TransferMemory, UnreadAnswers } from '#http/memory-limits.ts'
import { metricsAccess } from '#http/metrics-access.ts'
import { addPage } from '#http/page/page-routes.ts'
import { answerErrors } from '#http/problems.ts'
import { callerOf, note, openContext } from '#http/request-context.ts'
import { dropUnread, inTurn, refuseAmbiguous } from '#http/request-guards.ts'
import { alertRoutes } from '#http/routes/alert-routes.ts'
import { auditRoute } from '#http/routes/audit-route.ts'
import { backupRoutes } from '#http/routes/backup-routes.ts'
import { bucketRoutes } from '#http/routes/bucket-routes.ts'
import { contentRoute } from '#http/routes/content-route.ts'
import { doorKeyRoutes } from '#http/routes/door-key-routes.ts'
import { eventRoute } from '#http/routes/event-routes.ts'
import { evidenceRoutes } from '#http/routes/evidence-routes.ts'
import { jobEvents } from '#http/routes/job-events.ts'
import { jobRoutes } from '#http/routes/job-routes.ts'
import { keyRoutes } from '#http/routes/key-routes.ts'
import { memberRoute } from '#http/routes/member-route.ts'
import { overviewRoutes, overviewsOf } from '#http/routes/overview-routes.ts'
import { passkeyRoutes } from '#http/routes/passkey-routes.ts'
import { peopleRoutes } from '#http/routes/people-routes.ts'
import { pinRoutes } from '#http/routes/pin-routes.ts'
import { previewRoutes } from '#http/routes/preview-routes.ts'
import { providerRoutes } from '#http/routes/provider-routes.ts'
import type { Answer, Route } from '#http/routes/route.ts'
import { scheduleRoutes } from '#http/routes/schedule-routes.ts'
import { sessionListRoutes } from '#http/routes/session-list-routes.ts'
import { sessionRoutes } from '#http/routes/session-routes.ts'
import { uploadRoute } from '#http/routes/upload-route.ts'
import { verificationRoutes } from '#http/routes/verification-routes.ts'
import { whoamiRoute } from '#http/routes/whoami-route.ts'
import { SignInLimits } from '#http/sign-in-limits.ts'

export interface HttpApp {
  app: Express
  /** Ends the streams of events. Call it before waiting for the connections. */
  endStreams(): void
  /** Resolves when all work for requests has ended. Call it when the connections are closed. */
  close(): Promise<void>
}

/** Makes the application; does nothing else before the first request. */
export function createApp(ports: HttpPorts): HttpApp {
  const { settings, log } = ports
  const guards = openBrowserGuards(settings)
  const authentication = openAuthentication({ ...ports, guards })
  const limits = new SignInLimits(ports)
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
      // A proxy with TLS decides about this header.
      strictTransportSecurity: false,
    }),
  )
  app.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store')
    next()
  })
  app.use(dropUnread(settings.stall_seconds * 1_000), refuseAmbiguous)
  app.use(['/api/v1', '/metrics'], refuseTwoCredentials)
  const streams = new OpenStreams()
  const routes = routesOf(ports, { streams, guards, limits })
  addOpenPages(app, ports, { routes, metricsAllowed: metricsAccess(settings, authentication.authenticate) })
  // The order matters: /backups/upload comes before /backups/{id}.
  const underWay = new Set<Promise<unknown>>()
  const answers = new UnreadAnswers()
  const readBody = readJson({ withinMs: Math.min(LONGEST_JSON_MS, settings.stall_seconds * 1_000) })
  const add = (route: Route): void => addRoute(app, route, { underWay, answers, readBody })
  routes.filter(({ scope }) => scope === 'open').forEach(add)
  app.use('/api/v1', authentication.authenticate, authentication.limitRate)
  routes.filter(({ scope }) => scope !== 'open').forEach(add)
  refuseOtherMethods(app, routes)
  const { restic } = ports
  if (restic !== undefined) {
    // Not mounted: the log shows the whole path.
    app.all(/^\/restic\//, async (request, response, next) => {
      const answering = Promise.resolve(restic(request, response, next))
      underWay.add(answering)
      await answering.finally(() => underWay.delete(answering))
    })
  }
  if (ports.page !== undefined) addPage(app, ports.page.built, guards)
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
      limits.close()
    },
  }
}

/** No honest client needs longer for a small body. */
const LONGEST_JSON_MS = 10_000

/** Answers are data, which a browser must not run or embed. */
const NOTHING = { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] }

function routesOf(
  ports: HttpPorts,
  { streams, guards, limits }: { streams: OpenStreams; guards: BrowserGuards; limits: SignInLimits },
): Route[] {
  const memory = new TransferMemory(ports.settings.transfer_memory_mib)
  const overviews = overviewsOf(ports)
  const manifests = new ManifestCache()
  return [
    uploadRoute(ports, memory),
    ...backupRoutes(ports),
    contentRoute(ports, { memory, manifests }),
    memberRoute(ports, manifests),
    ...jobRoutes(ports),
    jobEvents(ports, streams),
    eventRoute(ports, { open: streams, overviews }),
    ...scheduleRoutes(ports),
    ...alertRoutes(ports),
    ...verificationRoutes(ports),
    ...previewRoutes(ports),
    ...pinRoutes(ports),
    ...keyRoutes(ports),
    auditRoute(ports),
    whoamiRoute(),
    ...sessionRoutes(ports, { guards, limits }),
    ...passkeyRoutes(ports, { guards, limits }),
    ...providerRoutes(ports, { guards, limits }),
    ...sessionListRoutes(ports),
    ...peopleRoutes(ports),
    ...overviewRoutes(ports, overviews),
    ...evidenceRoutes(ports),
    ...bucketRoutes(ports),
    ...doorKeyRoutes(ports),
  ]
}

function addRoute(
  app: Express,
  route: Route,
  of: { underWay: Set<Promise<unknown>>; answers: UnreadAnswers; readBody: RequestHandler },
): void {
  const { underWay, answers, readBody } = of
  const path = pathOf(route)
  app[route.method](
    path,
    (request, response, next) => {
      note(response, { route: path })
      // HEAD would start a stream.
      if (request.method === 'HEAD' && !hasHead(route)) return next('route')
      route.admit(request, response)
      next()
    },
    ...(route.body === undefined ? [] : [readBody]),
    async (request, response) => {
      const answering = route.handle(request, response)
      underWay.add(answering)
      const answer = await answering.finally(() => underWay.delete(answering))
      if (answer === undefined) return
      send(response, answer, route.scope === 'open' ? undefined : answers)
    },
  )
}

function hasHead({ method, hasHead: isAnswered = false, answers }: Route): boolean {
  const isStream = Object.values(answers).some(({ contentType }) => contentType !== undefined)
  return method === 'get' && (isAnswered || !isStream)
}

function pathOf({ path }: Route): string {
  return `/api/v1${path.replace(/\{(id|name)\}/, ':$1')}`
}

function send(
  response: Response,
  { status, body, headers = {} }: NonNullable<Answer>,
  answers: UnreadAnswers | undefined,
): void {
  response.status(status).set(headers)
  if (body === undefined) response.end()
  // The client must learn what was done, whatever the limit; these answers, and open ones, are short.
  else if (response.req.method !== 'GET' || answers === undefined) response.json(body)
  else answers.sendJson(response, callerOf(response).id, body)
}

/** 405 for the other methods of a path. */
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
    throw new BackupError(`${request.method} is not allowed for this path`, {
      code: 'METHOD_NOT_ALLOWED',
      hint: `Use ${allowed.join(' or ')}; see /docs.`,
    })
  }
}

/** The pages that need no key. */
function addOpenPages(
  app: Express,
  { readiness, metrics, version }: HttpPorts,
  of: { routes: readonly Route[]; metricsAllowed: RequestHandler },
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
        of.metricsAllowed,
        async (_request, response) => {
          const { contentType, text } = await metrics.render()
          response.set('Content-Type', contentType).send(text)
        },
      ],
    }),
  }
  for (const [path, handlers] of Object.entries(pages)) {
    const named: RequestHandler = (_request, response, next) => {
      note(response, { route: path })
      next()
    }
    app.get(path, named, ...handlers)
    app.all(path, refuse(['GET', 'HEAD']))
  }
}
