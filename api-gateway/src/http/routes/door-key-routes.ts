import { bucketById, type DoorKey, getDoorKey, pageDoorKeys, revokeDoorKey } from '@telegram-backup/database'
import type { Caller } from '@telegram-backup/engine/access/caller.ts'
import { showBucket } from '@telegram-backup/engine/operations/buckets.ts'
import { createDoorKey } from '@telegram-backup/engine/operations/door-keys.ts'
import { parseExpiry } from '@telegram-backup/engine/units/quantities.ts'
import { z } from 'zod'
import { found, inNameOf, notFound } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { DOOR_KEY_PAGE, DOOR_SCOPE, NEW_DOOR_KEY } from '#http/schemas/bucket-schemas.ts'
import { page, readCursor } from '#http/schemas/cursor.ts'
import { CURSOR, LIMIT, UUID } from '#http/schemas/terms.ts'

/** The keys of the doors: with one of them, another backup program uses one bucket. */
export function doorKeyRoutes(ports: HttpPorts): Route[] {
  return [list(ports), create(ports), revoke(ports)]
}

function viewOf({ user_name: user, ...key }: DoorKey): Omit<DoorKey, 'user_name'> & { user: string } {
  return { ...key, user }
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/door-keys',
      name: 'listDoorKeys',
      summary:
        'The keys of the doors, newest first, also revoked and expired ones; never the keys themselves',
      scope: 'admin',
      query: z.strictObject({ bucket_id: UUID.optional(), limit: LIMIT, cursor: CURSOR.optional() }),
      answers: { 200: { description: 'One page', schema: DOOR_KEY_PAGE } },
      problems: [404],
    },
    async ({ caller, query: { bucket_id: bucketId, limit, cursor } }) => {
      if (bucketId !== undefined) await showBucket(database, bucketId, caller)
      const projectId = caller.project_id ?? undefined
      const after = readCursor(cursor)
      const keys = await pageDoorKeys(database, { bucketId, projectId, after, limit: limit + 1 })
      const items = keys.slice(0, limit)
      return { status: 200, body: page(items, { hasMore: keys.length > limit, view: viewOf }) }
    },
  )

const create = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'post',
      path: '/door-keys',
      name: 'createDoorKey',
      needsFactor: true,
      summary: 'Make a key for the door of one bucket, which is shown once; it lives no longer than who asks',
      scope: 'admin',
      body: z.strictObject({
        bucket_id: UUID,
        scope: DOOR_SCOPE.meta({
          description: 'read · append: also adds, and deletes locks alone · full: also deletes.',
        }),
        name: z
          .string()
          .max(100)
          .regex(/^[^\p{C}]+$/u, 'a name has 1 to 100 characters that can be seen')
          .optional()
          .meta({ description: 'The name of the bucket, if left out.' }),
        expires: z.string().min(1).max(40).optional().meta({
          description: '12h, 90d or 52w from now, or a date such as 2027-01-31; never, if left out.',
        }),
      }),
      answers: { 201: { description: 'The key', schema: NEW_DOOR_KEY } },
      problems: [404, 409],
    },
    async ({ caller, body: { bucket_id: bucketId, scope, name, expires } }) => {
      const expiresAt = expires === undefined ? undefined : parseExpiry(expires)
      const request = { bucketId, scope, name, expiresAt }
      const { doorKey, key } = await createDoorKey(inNameOf(caller, database), request, caller)
      return { status: 201, body: { ...viewOf(doorKey), key } }
    },
  )

const revoke = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/door-keys/{id}',
      name: 'revokeDoorKey',
      needsFactor: true,
      summary: 'Revoke a key of a door: from now on it is refused; it stays in the list',
      scope: 'admin',
      answers: { 204: { description: 'The key is revoked' } },
      problems: [404],
    },
    async ({ caller, id }) => {
      await assertSeesKey({ database }, { caller, id })
      if (!(await revokeDoorKey(inNameOf(caller, database), id))) throw notFound('door key')
      return { status: 204 }
    },
  )

/** A key belongs to the project of its bucket. Throws `NOT_FOUND`. */
async function assertSeesKey(
  { database }: Pick<HttpPorts, 'database'>,
  { caller, id }: { caller: Caller; id: string },
): Promise<void> {
  const key = await getDoorKey(database, id)
  found(caller, key && (await bucketById(database, key.bucket_id)), 'door key')
}
