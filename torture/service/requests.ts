import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '#torture/chance.ts'
import type { Asked } from '#torture/judge/jobs-check.ts'
import type { Fleet } from '#torture/service/fleet.ts'
import { SOURCES } from '#torture/service/sources.ts'
import { PART_SIZE_BYTES, type World } from '#torture/world/world.ts'

/** Who asks whom for what. */
export interface Requester {
  readonly world: World
  readonly fleet: Fleet
  readonly chance: Chance
  /** Of the HTTP API, with every right. */
  readonly key: string
  readonly tell: (words: string) => void
  /** Hears of each request that may make a job, before it is made. */
  readonly onAsked: (asked: Asked) => void
  readonly violations: string[]
}

const MOST_UPLOAD_PARTS = 3
/**
 * So long is asked again what nobody answered: a catalog's server that was killed may be slow to come back on
 * a busy machine.
 */
const PATIENT_FOR_MS = 120_000
const TRY_AGAIN_MS = 250
const ANSWERS_WITHIN_MS = 60_000

/**
 * Makes one request of a kind that the world has something for; resolves when it has been answered, or never
 * will be.
 */
export async function askForSomething(requester: Requester): Promise<Asked | undefined> {
  const { world, chance, tell } = requester
  const kind = chance.weighted([
    ['backup', 6],
    ['upload', 2],
    ['verify', 2],
    ['erase', 2],
  ] as const)
  if (kind === 'backup') {
    return await askForJob(requester, 'backup', {
      method: 'POST',
      path: '/backups',
      body: { source: chance.pick(Object.keys(SOURCES)) },
    })
  }
  if (kind === 'upload') return await upload(requester)
  const complete = await patiently(() =>
    world.catalog.rows(
      "select id from control_plane.backups where state = 'complete' order by created_at, id",
    ),
  )
  if (complete.length === 0) return undefined
  const id = String(chance.pick(complete)['id'])
  tell(`  asks to ${kind} ${id}`)
  if (kind === 'verify') {
    const path = `/backups/${id}/verify`
    return await askForJob(requester, kind, {
      method: 'POST',
      path,
      body: { read_data: chance.happens(0.5) },
    })
  }
  world.condemned.add(id)
  return await askForJob(requester, kind, { method: 'DELETE', path: `/backups/${id}` })
}

/** Cancels a job, wherever it stands. */
export async function cancel(requester: Requester, jobId: string): Promise<void> {
  const { status } = await ask(requester, { method: 'DELETE', path: `/jobs/${jobId}` })
  requester.tell(`  cancels job ${jobId}: ${status}`)
  if (status !== 202 && status !== 409)
    requester.violations.push(`answer: ${status} to the cancelling of a job`)
}

interface Request {
  readonly method: string
  readonly path: string
  readonly body?: object
}

async function askForJob(requester: Requester, kind: Asked['kind'], request: Request): Promise<Asked> {
  const asked: Asked = { kind, jobId: undefined }
  requester.onAsked(asked)
  const { status, answer } = await ask(requester, request)
  requester.tell(`  ${request.method} ${request.path}: ${status} ${JSON.stringify(answer).slice(0, 200)}`)
  if (status === 202) asked.jobId = String(answer['job_id'])
  // What was erased or verified meanwhile, or is the last one, is a reason to refuse.
  else if (kind === 'backup' || (status !== 404 && status !== 409)) {
    requester.violations.push(
      `answer: ${status} to ${request.method} ${request.path}: ${JSON.stringify(answer)}`,
    )
  }
  return asked
}

/** Asks until somebody answers: by its key the same request makes one job, whoever is asked. */
async function ask(
  requester: Requester,
  { method, path, body }: Request,
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const idempotencyKey = randomUUID()
  const until = performance.now() + PATIENT_FOR_MS
  while (performance.now() < until) {
    const member = await requester.fleet.anyone(requester.chance)
    try {
      const response = await fetch(`${await member.url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${requester.key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(method === 'POST' ? { 'idempotency-key': idempotencyKey } : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
      })
      const answer = (await response.json()) as Record<string, unknown>
      // The catalog is away: whoever asks is told to come again.
      if (response.status !== 503) return { status: response.status, answer }
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') {
        requester.violations.push(`hung: no answer of ${member.name} to ${method} ${path}`)
      }
      // It died over it, or before.
    }
    await delay(TRY_AGAIN_MS)
  }
  return { status: 0, answer: {} }
}

/** Bytes by HTTP: once, since nobody has them a second time. */
async function upload({ world, fleet, chance, key, tell, onAsked, violations }: Requester): Promise<Asked> {
  const bytes = chance.bytes(chance.whole(1, MOST_UPLOAD_PARTS * PART_SIZE_BYTES))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  world.given.set(sha256, { size: bytes.length, sha256 })
  const asked: Asked = { kind: 'upload', jobId: undefined }
  onAsked(asked)
  const member = await fleet.anyone(chance)
  const goesAway = chance.happens(0.2) ? AbortSignal.timeout(chance.whole(50, 1_500)) : undefined
  try {
    const query = `project_id=${chance.pick(['shop', 'blog'])}&type=storage&filename=up.bin`
    const response = await fetch(`${await member.url}/api/v1/backups/upload?${query}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/octet-stream' },
      body: new Uint8Array(bytes),
      ...(goesAway ? { signal: goesAway } : {}),
    })
    asked.jobId = response.headers.get('x-job-id') ?? undefined
    const answer = (await response.json()) as { databaseRecord?: { id: string }; code?: string }
    tell(`  upload to ${member.name}: ${response.status} ${answer.code ?? answer.databaseRecord?.id}`)
    if (response.status === 201) world.acknowledged.set(String(answer.databaseRecord?.id), sha256)
    if (response.status === 500) violations.push(`answer: 500 to an upload: ${JSON.stringify(answer)}`)
  } catch {
    tell(`  upload to ${member.name}: ${goesAway?.aborted ? 'its client went away' : 'broken off'}`)
  }
  return asked
}

/** As soon as the catalog answers: its server may be killed just now. */
export async function patiently<Result>(look: () => Promise<Result>): Promise<Result> {
  const until = performance.now() + PATIENT_FOR_MS
  for (;;) {
    try {
      return await look()
    } catch (error) {
      if (performance.now() > until) throw error
    }
    await delay(TRY_AGAIN_MS)
  }
}
