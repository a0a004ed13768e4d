import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ApiConformance, type DescribedOperation, filled } from '#test/http/api-conformance.ts'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

let service: TestService
let api: ApiConformance
let key: string
let backupId: string

beforeAll(async () => {
  service = await openTestService()
  key = await service.key(['admin'])
  const document = await (await service.ask('//openapi.json')).json()
  api = new ApiConformance(document as ConstructorParameters<typeof ApiConformance>[0])
  backupId = await upload(service, { key, bytes: Buffer.from('x') })
})

afterAll(async () => {
  await service.close()
})

const WORDS = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    'shop',
    'other',
    'staging',
    'logs',
    'complete',
    'queued',
    '',
    '0',
    '-1',
    '1e9',
    '2026-01-01',
    'null',
  ),
  fc.constantFrom('../..', "' or 1=1 --", '\u0000', '__proto__', 'constructor', '%00', '٣', '9'.repeat(400)),
)
const NAMES = fc.constantFrom(
  ...['project_id', 'type', 'state', 'from', 'to', 'limit', 'cursor', 'filename'],
  ...[
    'source',
    'cron',
    'timezone',
    'keep',
    'jitter',
    'enabled',
    'catch_up',
    'target',
    'overwrite',
    'read_data',
  ],
  ...['minutes', 'name', 'scopes', 'expires', 'act', 'object', 'actor', 'kind', 'backup_id'],
  ...['__proto__', 'constructor', 'x'],
)
const BODY = fc.oneof(
  fc.dictionary(NAMES, fc.oneof(WORDS, fc.jsonValue({ maxDepth: 3 })), { maxKeys: 5, noNullPrototype: true }),
  fc.jsonValue({ maxDepth: 4 }),
)

const REQUEST = fc.record({
  operation: fc.nat(),
  id: fc.oneof(fc.constant('known'), fc.uuid(), WORDS),
  query: fc.array(fc.tuple(NAMES, WORDS), { maxLength: 3 }),
  body: BODY,
  headers: fc.dictionary(
    fc.constantFrom(
      'Idempotency-Key',
      'Last-Event-ID',
      'X-Request-Id',
      'Expect',
      'Range',
      'If-None-Match',
      'Accept',
    ),
    fc.stringMatching(/^[ -~]{0,40}$/),
    { maxKeys: 2, noNullPrototype: true },
  ),
})

/** `fetch` refuses what is no URL any more, and follows dots by itself. */
function pathOf({ path }: DescribedOperation, id: string): string {
  const segment = id === 'known' ? backupId : encodeURIComponent(id.toWellFormed())
  return filled(path, /^(%2e|\.)*$/i.test(segment) ? 'x' : segment)
}

it('whatever comes in, each answer is one of the document’s, none is a fault of ours, and none is late', async () => {
  await fc.assert(
    fc.asyncProperty(REQUEST, async ({ operation, id, query, body, headers }) => {
      const described = api.operations[operation % api.operations.length] as DescribedOperation
      const { method } = described
      const search = new URLSearchParams(
        query.map(([name, value]): [string, string] => [name, value.toWellFormed()]),
      )
      const { Expect: _expect, ...rest } = headers
      const answer = await fetch(`${service.server.url}${pathOf(described, id)}?${search}`, {
        method,
        headers: {
          ...rest,
          Authorization: `Bearer ${key}`,
          ...(method === 'POST' || method === 'PATCH' ? { 'Content-Type': 'application/json' } : {}),
        },
        ...(method === 'POST' || method === 'PATCH' ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(60_000),
      })
      expect(answer.status, `${method} ${answer.url} ${JSON.stringify(body)}`).not.toBe(500)
      if (answer.status > 500)
        expect(await answer.clone().text()).toMatch(/"code":"(CONFIGURATION|OVERLOADED)"/)
      await api.check(described, answer)
    }),
    { numRuns: 400 },
  )
})
