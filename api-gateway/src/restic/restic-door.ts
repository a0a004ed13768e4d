import type { Bucket, Database, DoorKey, DoorScope } from '@telegram-backup/database'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { BackupError, describeError, hint, run } from '@telegram-backup/errors'
import type { Request, RequestHandler, Response } from 'express'
import { note } from '#http/request-context.ts'
import { Slots } from '#http/slots.ts'
import { type DoorAccess, openDoorAccess } from '#restic/door-access.ts'
import { deleteFile, type FileRequest, type FileStore, putFile, sendFile } from '#restic/files.ts'
import { sendList } from '#restic/lists.ts'
import { type ResticPath, readResticPath, routeOf } from '#restic/paths.ts'
import { refuse } from '#restic/refusals.ts'
import { SharedLooks } from '#restic/shared-looks.ts'

/** What the door needs from the rest of the program. The caller opens and closes it. */
export interface ResticDoorPorts {
  /** Throws why this service has none. */
  store(): FileStore
  /** For the keys, and for when the newest snapshot was stored. */
  database: Database
  settings: Pick<HttpSettings, 'stall_seconds' | 'failed_logins_per_minute'>
  log: Pick<Logger, 'warn'>
}

/**
 * `/restic/<bucket>/`: the buckets of kind `restic`, for restic's REST backend (protocol versions 1 and 2).
 */
export interface ResticDoor {
  handle: RequestHandler
  close(): void
}

/** Requests under way in this process. restic sends 5 at once, unless it is told otherwise. */
const MOST_REQUESTS = 256
/** A list has pages in memory for as long as its client reads: 64 of them at once take some 60 MB. */
const WEIGHT_OF_LIST = 4
/** So is a file, up to 3 MiB of it: 64 clients that read nothing hold some 140 MB, all 256 would 550. */
const WEIGHT_OF_READ = 4
/** A revoked key ends its requests within that time. */
const LOOK_EVERY_MS = 12_000

/** Opens the door. It keeps nothing but counts of wrong keys. */
export function openResticDoor(ports: ResticDoorPorts): ResticDoor {
  const access = openDoorAccess(ports)
  const slots = new Slots('requests to buckets', MOST_REQUESTS)
  const buckets = new SharedLooks(
    (name: string) => ports.store().bucket(name),
    name => name,
  )
  return {
    handle: async (request, response) => {
      try {
        const path = readResticPath(request.path)
        note(response, { route: routeOf(path) })
        const key = await access.keyOf(request, response)
        if (key === undefined) return
        if (path === undefined) throw nothingHere()
        const work = (): Promise<void> =>
          whileWanted({ access, key, request, response }, signal =>
            answer({ ...ports, buckets }, { access, path, key, request, response, signal }),
          )
        await slots.use(key.id, work, weightOf(path, request))
      } catch (error) {
        if (response.headersSent) throw error
        refuse(response, error)
      }
    },
    close: access.close,
  }
}

function weightOf({ is }: ResticPath, { method }: Request): number {
  if (is === 'list') return WEIGHT_OF_LIST
  return method === 'GET' ? WEIGHT_OF_READ : 1
}

interface Asked {
  access: DoorAccess
  path: ResticPath
  key: DoorKey
  request: Request
  response: Response
  signal: AbortSignal
}

type Buckets = SharedLooks<string, Bucket>

async function answer(
  { database, settings, buckets, ...ports }: ResticDoorPorts & { buckets: Buckets },
  asked: Asked,
): Promise<void> {
  const { access, path, key, request, response, signal } = asked
  assertMethod(path, request, response)
  assertMay(asked)
  const store = ports.store()
  const bucket = await bucketOf(buckets, asked)
  const stallMs = settings.stall_seconds * 1_000
  if (path.is === 'repository') return answerRepository(request, response)
  if (path.is === 'list')
    return await sendList({ store, bucket, prefix: path.prefix, request, response, stallMs })
  const assertStillGood = (): Promise<void> => access.assertStillGood(request, key)
  const asks = { request, response, stallMs, signal, assertStillGood }
  const of: FileRequest = { store, database, bucket, file: path, ...asks }
  if (request.method === 'POST') await putFile(of)
  else if (request.method === 'DELETE') await deleteFile(of)
  else await sendFile(of)
}

/** A bucket is made and removed by the operator. */
function answerRepository(request: Request, response: Response): void {
  if (request.method === 'DELETE') {
    throw new BackupError('A bucket is not removed by its clients', {
      code: 'FORBIDDEN',
      hint: hint`${run('bucket remove')} removes it.`,
    })
  }
  if (request.query['create'] !== 'true') {
    throw new BackupError('A POST to a repository has to say create=true', { code: 'INVALID' })
  }
  response.status(200).end()
}

const METHODS: Readonly<Record<ResticPath['is'], readonly string[]>> = {
  repository: ['POST', 'DELETE'],
  list: ['GET'],
  file: ['HEAD', 'GET', 'POST', 'DELETE'],
}

function assertMethod({ is }: ResticPath, { method }: Request, response: Response): void {
  if (METHODS[is].includes(method)) return
  response.set('Allow', METHODS[is].join(', '))
  throw new BackupError(`${method} is not allowed for this path`, { code: 'METHOD_NOT_ALLOWED' })
}

const RANK: Readonly<Record<DoorScope, number>> = { read: 0, append: 1, full: 2 }

/** As restic's own server does with `--append-only`: locks may always be removed, or nobody could unlock. */
function scopeFor({ path, request: { method } }: Asked): DoorScope {
  if (method === 'GET' || method === 'HEAD') return 'read'
  return method === 'POST' || (path.is === 'file' && path.type === 'locks') ? 'append' : 'full'
}

function assertMay(asked: Asked): void {
  const scope = scopeFor(asked)
  if (RANK[asked.key.scope] >= RANK[scope]) return
  if (scope === 'append') {
    throw new BackupError('This key may only read', {
      code: 'FORBIDDEN',
      hint: 'Call restic with --no-lock, or use a key with the scope append or full.',
    })
  }
  throw new BackupError('This key may not delete', {
    code: 'FORBIDDEN',
    hint: 'Use a key with the scope full for forget, prune and the like.',
  })
}

/**
 * The bucket of the key. Throws `FORBIDDEN` for any other name, so that a key learns nothing about other
 * buckets.
 */
async function bucketOf(buckets: Buckets, { path, key }: Asked): Promise<Bucket> {
  const bucket = await buckets.afterNow(path.bucketName).catch((error: unknown) => {
    if (describeError(error).code === 'NOT_FOUND') return undefined
    throw error
  })
  if (bucket?.id === key.bucket_id && bucket.kind === 'restic') return openBucket(bucket)
  throw new BackupError('This key is not for a restic bucket of this name', {
    code: 'FORBIDDEN',
    hint: 'The address is rest:https://HOST/restic/BUCKET/.',
  })
}

/**
 * Half of an undelete is no repository. After another code than this one, restic would repeat its request;
 * but one that runs has to end, since the index that it has read is of another moment.
 */
function openBucket(bucket: Bucket): Bucket {
  if (bucket.undeleting_to === null) return bucket
  throw new BackupError(
    `The bucket is closed: it is being taken back to ${bucket.undeleting_to.toISOString()}`,
    { code: 'CONFLICT', hint: 'Run restic again when that has ended.' },
  )
}

function nothingHere(): BackupError {
  return new BackupError('restic has no file of this name', {
    code: 'NOT_FOUND',
    hint: 'The address is rest:https://HOST/restic/BUCKET/.',
  })
}

/**
 * Runs the work with a signal that fires if the client leaves before it has its answer. Closes the connection
 * when the key is revoked meanwhile.
 */
async function whileWanted(
  of: { access: DoorAccess; key: DoorKey; request: Request; response: Response },
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { access, key, request, response } = of
  const controller = new AbortController()
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort()
  }
  response.once('close', onClose)
  if (response.destroyed) controller.abort()
  const timer = setInterval(() => {
    access.assertStillGood(request, key).catch((error: unknown) => {
      // If the catalog does not answer, the next look may succeed.
      if (describeError(error).code === 'UNAUTHENTICATED') response.destroy()
    })
  }, LOOK_EVERY_MS).unref()
  try {
    await work(controller.signal)
  } finally {
    clearInterval(timer)
    response.off('close', onClose)
  }
}
