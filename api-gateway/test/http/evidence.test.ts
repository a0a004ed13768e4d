import { addEvidence, newSigningKey } from '@telegram-backup/test-support/evidence-records.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ApiConformance } from '#test/http/api-conformance.ts'
import { openTestService, type TestService } from '#test/http/http-service.ts'

const HOSTILE = '<script>alert("1")</script>'

let service: TestService
let api: ApiConformance
let admin: string
const ids: string[] = []

beforeAll(async () => {
  service = await openTestService()
  admin = await service.key(['admin'])
  const document = await (await service.ask('//openapi.json')).json()
  api = new ApiConformance(document as ConstructorParameters<typeof ApiConformance>[0])
  const signingKey = await newSigningKey(service.vault.folder)
  for (const project of ['north', 'south', 'south', 'south']) {
    const source = { project, type: 'database', name: HOSTILE }
    ids.push((await addEvidence(service.database, signingKey, { source })).id)
  }
})
afterAll(() => service.close())

/** The answer, which is one of the document's. */
async function asked(
  method: 'GET' | 'POST',
  path: string,
  options: Parameters<TestService['ask']>[1] = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const described = api.operations.find(
    one =>
      one.method === method && one.path === `/api/v1${path.replace(/[0-9a-f-]{36}/, '{id}').split('?')[0]}`,
  )
  if (described === undefined) throw new Error(`${path} is not in the document`)
  const answer = await service.ask(path, { key: admin, method, ...options })
  const { status, headers } = answer
  return { status, headers, body: (await api.check(described, answer)) as Record<string, unknown> }
}

const numbersIn = (body: Record<string, unknown>): number[] =>
  (body['items'] as { number: number }[]).map(({ number }) => number)

it('records are listed newest first, page by page, within the project of the key', async () => {
  const first = await asked('GET', '/evidence?limit=3')
  expect(numbersIn(first.body)).toEqual([4, 3, 2])
  const next = await asked('GET', `/evidence?limit=3&cursor=${first.body['next_cursor']}`)
  expect([numbersIn(next.body), next.body['next_cursor']]).toEqual([[1], null])
  expect(numbersIn((await asked('GET', '/evidence?from=2099-01-01&kind=drill')).body)).toEqual([])
  const [{ backup_id = '' } = {}] = next.body['items'] as { backup_id?: string }[]
  expect(numbersIn((await asked('GET', `/evidence?backup_id=${backup_id}`)).body)).toEqual([1])
  const north = await service.key(['read'], { projectId: 'north' })
  expect(numbersIn((await asked('GET', '/evidence', { key: north })).body)).toEqual([1])
  expect((await asked('GET', '/evidence?project_id=south', { key: north })).status).toBe(404)
  expect((await asked('GET', `/evidence/${ids[1]}`, { key: north })).status).toBe(404)
  expect((await asked('GET', `/evidence/${ids[0]}`, { key: north })).status).toBe(200)
})

it('a record shows the signed text byte by byte; a browser gets a page in which no text is markup', async () => {
  const { body } = await asked('GET', `/evidence/${ids[1]}`)
  const { evidence } = body['signed'] as { evidence: string }
  expect(JSON.parse(evidence)).toEqual(body['record'])
  const answer = await service.ask(`/evidence/${ids[1]}`, { key: admin, headers: { Accept: 'text/html' } })
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
  const html = await answer.text()
  expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;')
  expect(html).not.toMatch(/<script|href=|src=/)
})

it('a review needs the scope admin, is a record of its own, and is shown with its drill', async () => {
  const review = { name: HOSTILE, note: 'No exceptions.' }
  const path = `/evidence/${ids[2]}/review`
  const reader = await service.key(['read'])
  expect((await asked('POST', path, { json: review, key: reader })).status).toBe(403)
  const north = await service.key(['admin'], { projectId: 'north' })
  expect((await asked('POST', path, { json: review, key: north })).status).toBe(404)
  for (const bad of [{}, { name: ' ', note: 'x' }, { ...review, at: 1 }, { name: '\u0000', note: 'x' }])
    expect((await asked('POST', path, { json: bad })).status, JSON.stringify(bad)).toBe(400)
  const made = await asked('POST', path, { json: review })
  expect(made).toMatchObject({ status: 201, body: { number: 5, kind: 'review', reviewed_id: ids[2] } })
  const { body } = await asked('GET', `/evidence/${ids[2]}`)
  expect(body['reviews']).toMatchObject([{ number: 5, ...review }])
  const again = `/evidence/${made.body['id']}/review`
  expect((await asked('POST', again, { json: review })).status).toBe(400)
})
