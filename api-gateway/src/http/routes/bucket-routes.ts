import {
  createBucket,
  listBuckets,
  removeBucket,
  showBucket,
} from '@telegram-backup/engine/operations/buckets.ts'
import { previewUndelete, undeleteBucket } from '@telegram-backup/engine/operations/undelete-bucket.ts'
import { BackupError } from '@telegram-backup/errors'
import { z } from 'zod'
import { whileWatched } from '#http/caller-watch.ts'
import { assertSees, inNameOf, projectOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { BUCKET, BUCKET_KIND, BUCKET_PAGE, BUCKET_TERMS, UNDELETED } from '#http/schemas/bucket-schemas.ts'
import { GIVEN_TIME, PROJECT_ID } from '#http/schemas/terms.ts'
import { Slots } from '#http/slots.ts'

/** The stores of objects for other backup programs. */
export function bucketRoutes(ports: HttpPorts): Route[] {
  return [list(ports), create(ports), show(ports), remove(ports), undelete(ports)]
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/buckets',
      name: 'listBuckets',
      summary: 'The buckets with their sizes; those that need a look come first',
      scope: 'read',
      query: z.strictObject({ project_id: PROJECT_ID.optional() }),
      answers: { 200: { description: 'All buckets', schema: BUCKET_PAGE } },
    },
    async ({ caller, query }) => {
      const items = await listBuckets(database, { projectId: projectOf(caller, query.project_id) })
      return { status: 200, body: { items, next_cursor: null } }
    },
  )

const create = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'post',
      path: '/buckets',
      name: 'createBucket',
      summary: 'Make a bucket; a key for its door is made apart',
      scope: 'admin',
      body: z.strictObject({
        name: z
          .string()
          .regex(
            /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
            'a name has 3 to 63 lower-case letters, digits, "." and "-"',
          ),
        kind: BUCKET_KIND.default('restic'),
        project_id: PROJECT_ID.optional(),
        ...BUCKET_TERMS,
      }),
      answers: { 201: { description: 'The bucket', schema: BUCKET } },
      problems: [404, 409],
    },
    async ({ caller, body }) => {
      assertSees(caller, body.project_id)
      const catalog = inNameOf(caller, database)
      const request = {
        ...{ name: body.name, kind: body.kind, projectId: body.project_id, replica: body.replica },
        undeleteMs: body.undelete_seconds === undefined ? undefined : body.undelete_seconds * 1_000,
        ...{ maxBytes: body.max_bytes, snapshotLimitHours: body.snapshot_limit_hours },
      }
      const { id } = await createBucket(catalog, request, caller)
      const headers = { Location: `/api/v1/buckets/${id}` }
      return { status: 201, body: await showBucket(catalog, id, caller), headers }
    },
  )

const show = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/buckets/{id}',
      name: 'getBucket',
      summary: 'One bucket with its sizes',
      scope: 'read',
      answers: { 200: { description: 'The bucket', schema: BUCKET } },
      problems: [404],
    },
    async ({ caller, id }) => ({ status: 200, body: await showBucket(database, id, caller) }),
  )

const remove = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/buckets/{id}',
      name: 'removeBucket',
      needsFactor: true,
      summary: 'Remove a bucket: its door closes at once, and its messages are erased by and by',
      scope: 'admin',
      query: z.strictObject({
        with_objects: z
          .enum(['true', 'false'])
          .default('false')
          .transform(word => word === 'true')
          .meta({ description: 'Also a bucket that holds objects; they are lost.' }),
      }),
      answers: { 204: { description: 'The bucket is removed' } },
      problems: [404, 409],
    },
    async ({ caller, id, query }) => {
      const withObjects = query.with_objects
      await removeBucket(inNameOf(caller, database), id, { withObjects, by: caller })
      return { status: 204 }
    },
  )

/** Each reads what a bucket was into memory. */
const UNDELETES_AT_ONCE = 2

const undelete = ({ database, objects }: HttpPorts): Route => {
  const slots = new Slots('undeletes', UNDELETES_AT_ONCE)
  return route(
    {
      method: 'post',
      path: '/buckets/{id}/undelete',
      name: 'undeleteBucket',
      needsFactor: true,
      summary:
        'Take all of a bucket back to a moment; nothing is uploaded, its door is closed meanwhile, and repeating it continues it',
      scope: 'admin',
      body: z.strictObject({
        at: GIVEN_TIME,
        dry_run: z.boolean().default(false).meta({ description: 'Only say what would be done.' }),
      }),
      answers: { 200: { description: 'What was done, or would be', schema: UNDELETED } },
      problems: [404, 409, 502],
    },
    async ({ caller, id, body: { at, dry_run: isDryRun }, request, response }) => {
      const { project_id: project } = await showBucket(database, id, caller)
      if (isDryRun) {
        const plan = () => previewUndelete(database, { bucketId: id, at }, caller)
        return { status: 200, body: await slots.use(caller.id, plan) }
      }
      if (objects === undefined) {
        throw new BackupError('This service has no objects', { code: 'CONFIGURATION' })
      }
      const catalog = inNameOf(caller, database)
      const watched = { database, request, response, scope: 'admin', project } as const
      const work = async (signal: AbortSignal) =>
        await undeleteBucket({ database: catalog, store: objects() }, { bucketId: id, at, signal }, caller)
      return { status: 200, body: await slots.use(caller.id, () => whileWatched(watched, work)) }
    },
  )
}
