import {
  acquireLease,
  beginVerification,
  finishVerification,
  noteConditions,
  openAlerts,
} from '@telegram-backup/database'
import { ApiConformance, type DescribedOperation } from '#test/http/api-conformance.ts'
import type { AskOptions, TestService } from '#test/http/http-service.ts'

interface Asked {
  status: number
  body: Record<string, unknown>
  items: Record<string, unknown>[]
}

export type Ask = (
  key: string,
  method: string,
  path: string,
  options?: Pick<AskOptions, 'json'> & { id?: string; query?: string },
) => Promise<Asked>

/** Asks, and holds each answer against the document. */
export async function conformingAsk(service: TestService): Promise<Ask> {
  const document = await (await service.ask('//openapi.json')).json()
  const api = new ApiConformance(document as ConstructorParameters<typeof ApiConformance>[0])
  return async (key, method, path, { id = '', query = '', json } = {}) => {
    const described = api.operations.find(
      one => one.method === method && one.path === `/api/v1${path}`,
    ) as DescribedOperation
    const answer = await service.ask(path.replace('{id}', id) + query, { key, method, json })
    const body = ((await api.check(described, answer)) ?? {}) as Record<string, unknown>
    return { status: answer.status, body, items: (body['items'] ?? []) as Asked['items'] }
  }
}

/** Raises alerts: by key, the project and what is wrong. Returns their ids. */
export async function raise(
  { database }: TestService,
  alerts: Record<string, { kind: string; project: string | null; details?: Record<string, string> }>,
): Promise<Record<string, string>> {
  await noteConditions(database, {
    found: Object.entries(alerts).map(([key, { kind, project, details = {} }]) => ({
      ...{ key, kind, notice: { text: key } },
      details: { project, type: project && 'database', source: project && 'shop', details },
    })),
    ...{ kinds: [], quietForMs: 0, channels: [], recovery: () => ({}) },
  })
  return Object.fromEntries((await openAlerts(database)).map(({ key, id }) => [key, id]))
}

/** A drill of a backup that named its server. */
export async function drilled({ database }: TestService, backupId: string): Promise<string> {
  const lease = await acquireLease(database, { subject: backupId, purpose: 'verify' })
  const verificationId = await beginVerification(
    { ...database, actor: 'ann@desk' },
    { backupId, kind: 'drill', leaseToken: lease?.token ?? '' },
  )
  await finishVerification(database, {
    ...{ verificationId, state: 'failed', parts: 1, bytes: 9, findings: [{ reason: 'rows differ' }] },
    ...{ error: 'the server at db.internal said so', depth: 'counts' },
    report: {
      where: 'db.internal',
      notes: ['db.internal'],
      depth: 'counts',
      differences: [{ object: 'public.t' }],
    },
  })
  await lease?.release()
  return verificationId
}
