import type { ApiKey } from '@telegram-backup/database'
import { followEvents } from '@telegram-backup/engine/operations/follow-events.ts'
import { EventFeed, type FeedPage } from '#http/event-feed.ts'
import { EventStream, type OpenStreams } from '#http/event-streams.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { logOf } from '#http/request-context.ts'
import { type Route, route } from '#http/routes/route.ts'

/** Everything that changes, as one stream. */
export function eventRoute({ database, settings }: HttpPorts, open: OpenStreams): Route {
  const feed = new EventFeed(after => followEvents(database, after))
  const stallMs = settings.stall_seconds * 1_000
  return route(
    {
      method: 'get',
      path: '/events',
      name: 'watchEvents',
      summary: 'Every change of backups, jobs, schedules and alerts as server-sent events, in order',
      scope: 'read',
      answers: {
        200: {
          description:
            'Events named backup, job, schedule, alert, with the object as data; Last-Event-ID continues',
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
      sendPages(stream, pages, { caller, stallMs }).catch((error: unknown) => {
        logOf(response).error({ error }, 'a stream of events failed')
        stream.breakOff()
      })
      return undefined
    },
  )
}

async function sendPages(
  stream: EventStream,
  pages: AsyncIterable<FeedPage>,
  { caller, stallMs }: { caller: ApiKey; stallMs: number },
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
