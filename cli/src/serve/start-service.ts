import { type HttpOptions, type HttpPart, startHttp } from '@telegram-backup/api-gateway/http/start-http.ts'
import { openResticDoor } from '@telegram-backup/api-gateway/restic/restic-door.ts'
import { renewedPart } from '@telegram-backup/engine/config/renewed-part.ts'
import type { JobTools } from '@telegram-backup/engine/jobs/job-handler.ts'
import type { ServiceMetrics } from '@telegram-backup/engine/monitoring/metrics.ts'
import { startRetention } from '@telegram-backup/engine/retention/retention-runs.ts'
import { startScheduler } from '@telegram-backup/engine/schedules/ticker.ts'
import { startConfigWatch } from '@telegram-backup/engine/service/config-watch.ts'
import { startDrills } from '@telegram-backup/engine/service/drills.ts'
import { startEvidencePosting } from '@telegram-backup/engine/service/evidence-posting.ts'
import { keepIndexesFresh } from '@telegram-backup/engine/service/fresh-indexes.ts'
import { startHousekeeping } from '@telegram-backup/engine/service/housekeeping.ts'
import { startObjects } from '@telegram-backup/engine/service/objects.ts'
import type { ServiceContext } from '@telegram-backup/engine/service/service-context.ts'
import { startJobs } from '@telegram-backup/engine/service/start-jobs.ts'
import { startMonitoring } from '@telegram-backup/engine/service/start-monitoring.ts'
import type { ServicePart } from '@telegram-backup/engine/service-part.ts'
import { startSampling } from '@telegram-backup/engine/verification/sampling.ts'

/** How the service is to run. */
export interface ServiceOptions {
  /** Jobs at the same time. */
  slots: number
  /** How long jobs may continue after a stop was requested. */
  graceMs: number
  openLimited: JobTools['openLimited']
  metrics: ServiceMetrics
  http: Omit<HttpOptions, 'metrics' | 'restic' | 'objects'>
}

/** The service while it runs. */
export interface RunningService extends ServicePart {
  /** The address of its HTTP API. */
  url: string
}

/** The HTTP API with the doors to the objects. The objects end when nobody asks for them any more. */
async function startDoors(
  context: ServiceContext,
  { metrics, graceMs, http: options }: Pick<ServiceOptions, 'metrics' | 'graceMs' | 'http'>,
): Promise<HttpPart> {
  const { configFile, serving: database, log } = context
  const objects = await startObjects(context)
  const restic = openResticDoor({ store: objects.store, database, settings: configFile.http, log })
  const end = async (): Promise<void> => {
    restic.close()
    await objects.stop()
  }
  try {
    const doors = { objects: objects.store, restic: restic.handle }
    const http = await startHttp(context, { ...options, ...doors, metrics, graceMs })
    return {
      ...http,
      stop: async () => {
        await http.stop()
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

/**
 * Starts every part of the service, in this order. If a part cannot start, the parts before it are stopped.
 */
export async function startService(
  context: ServiceContext,
  options: ServiceOptions,
): Promise<RunningService> {
  const parts: ServicePart[] = []
  const stop = async (): Promise<void> => {
    // All at once: each part gets the full time to stop, and no part takes new work meanwhile.
    await Promise.all(
      parts
        .splice(0)
        .map(part =>
          part
            .stop()
            .catch((error: unknown) =>
              context.log.error({ error }, 'a part of the service did not stop cleanly'),
            ),
        ),
    )
  }
  try {
    const { metrics } = options
    // First, because it fails most often (a port in use): then no job has started and no notification was
    // sent.
    const http = await startDoors(context, options)
    parts.push(http)
    // Second, so that it can report what goes wrong in the parts after it.
    parts.push(startMonitoring(context, { metrics, certificateFault: http.certificateFault }))
    parts.push(await startJobs(context, { ...options, url: http.url, onAttempt: metrics.observeJob }))
    parts.push(startScheduler({ ...context, deliver: context.queue.deliver }))
    parts.push(startRetention({ ...context, deliver: context.queue.deliver }))
    parts.push(startHousekeeping(context))
    parts.push(startEvidencePosting(context))
    parts.push(keepIndexesFresh(context))
    parts.push(
      renewedPart({
        ...context,
        settings: () => context.configFile.verification,
        start: ({ readAllWithinMs, messagesPerHour }) =>
          readAllWithinMs === null
            ? undefined
            : startSampling({
                ...context,
                deliver: context.queue.deliver,
                rules: { readAllWithinMs, messagesPerHour },
              }),
      }),
    )
    parts.push(startDrills({ ...context, deliver: context.queue.deliver }))
    parts.push(startConfigWatch(context))
    return { url: http.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
