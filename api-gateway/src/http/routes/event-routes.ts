import type { Caller } from '@telegram-backup/engine/access/caller.ts'
import { followEvents } from '@telegram-backup/engine/operations/follow-events.ts'
import type { Overviews } from '@telegram-backup/engine/operations/overview.ts'
import { EventFeed, type FeedPage } from '#http/event-feed.ts'
import { EventStream, type OpenStreams } from '#http/event-streams.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { OverviewFeed } from '#http/overview-feed.ts'
import { logOf } from '#http/request-context.ts'
import { viewerOf } from '#http/routes/overview-routes.ts'
import { type Route, route } from '#http/routes/route.ts'

/** Everything that changes, as one stream. */
export function eventRoute(
  { database, settings }: HttpPorts,
  { open, overviews }: { open: OpenStreams; overviews: Overviews },
): Route {
  const feed = new EventFeed(after => followEvents(database, after))
  const overviewFeed = new OverviewFeed(overviews, signal => feed.changed(signal))
  const stallMs = settings.stall_seconds * 1_000
  return route(
    {
      method: 'get',
      path: '/events',
      name: 'watchEvents',
      summary: 'Every change of backups, jobs, schedules, alerts and the overview as server-sent events',
      scope: 'read',
      answers: {
        200: {
          description:
            'Events named backup, job, schedule, alert and overview, with the object as data; Last-Event-ID continues, or one event reset says that changes were missed',
          contentType: 'text/event-stream',
        },
      },
    },
    async ({ caller, request, response }) => {
      // The response is closed already: its close event would never stop the stream.
      if (response.destroyed) return undefined
      // What is shown depends on `admin`, so a key that loses it loses the stream.
      const scope = caller.scopes.includes('admin') ? 'admin' : 'read'
      const owner = { database, request, response, caller, scope, project: caller.project_id } as const
      const stream = new EventStream(owner, open)
      const pages = feed.follow(request.get('Last-Event-ID'), stream.signal)
      const shown = overviewFeed.follow(viewerOf(caller), stream.signal)
      const send = { caller, stallMs }
      Promise.all([sendPages(stream, pages, send), sendTexts(stream, shown, send)]).catch(
        (error: unknown) => {
          logOf(response).error({ error }, 'a stream of events failed')
          stream.breakOff()
        },
      )
      return undefined
    },
  )
}

async function sendPages(
  stream: EventStream,
  pages: AsyncIterable<FeedPage>,
  { caller, stallMs }: { caller: Caller; stallMs: number },
): Promise<void> {
  for await (const { events, isReset, through } of pages) {
    if (isReset) await stream.deliver(`event: reset\nid: ${through}\ndata: {}\n\n`, stallMs)
    for (const event of events) {
      const text = event.textFor(caller)
      if (text !== undefined) await stream.deliver(text, stallMs)
    }
    // An id without data is no event: the client only notes how far it is.
    await stream.deliver(`id: ${through}\n\n`, stallMs)
  }
}

async function sendTexts(
  stream: EventStream,
  texts: AsyncIterable<string>,
  { stallMs }: { stallMs: number },
): Promise<void> {
  for await (const text of texts) await stream.deliver(text, stallMs)
}
