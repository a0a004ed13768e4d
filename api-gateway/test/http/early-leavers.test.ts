import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ApiKey, createJob, type Database } from '@telegram-backup/database'
import { callerOfKey } from '@telegram-backup/engine/access/caller.ts'
import { createLogger } from '@telegram-backup/engine/logging.ts'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import express, { type RequestHandler } from 'express'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { OpenStreams } from '#http/event-streams.ts'
import { type ListeningServer, listen } from '#http/listen.ts'
import { note, openContext } from '#http/request-context.ts'
import { inTurn } from '#http/request-guards.ts'
import { jobEvents } from '#http/routes/job-events.ts'

let database: Database & { discard(): Promise<void> }
let jobId: string
const servers: ListeningServer[] = []

beforeAll(async () => {
  database = await openTestCatalog()
  const request = { kind: 'backup', projectId: 'shop', source: 'shop' } as const
  jobId = (await createJob(database, request, async () => {})).job.id
})

afterAll(async () => {
  await Promise.all(servers.map(server => server.stop(0)))
  await database.discard()
})

/** Job events alone, as they are asked for by somebody with a key for everything, after `before`. */
async function serveEvents(open: OpenStreams, before: RequestHandler): Promise<ListeningServer> {
  const { handle } = jobEvents({ database }, open)
  const caller = callerOfKey({ id: 'k', project_id: null } as ApiKey)
  const app = express()
  app.use(openContext(createLogger({ level: 'silent', stream: process.stderr })))
  app.get('/:id', before, async (request, response) => {
    note(response, { caller })
    const answer = await handle(request, response)
    if (answer !== undefined) response.status(answer.status).end()
  })
  return await serve(app)
}

async function serve(app: express.Express): Promise<ListeningServer> {
  const server = await listen(app, { host: '127.0.0.1', port: 0 })
  servers.push(server)
  return server
}

function send(port: number, ...paths: string[]): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write(paths.map(path => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''))
  return socket
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

it('a watcher that has gone before its stream is opened leaves none behind', async () => {
  const open = new OpenStreams()
  let gone = 0
  const server = await serveEvents(open, (request, response, next) => {
    response.once('close', () => {
      gone += 1
      next()
    })
    request.socket.destroy()
  })
  for (let count = 0; count < 5; count++) send(server.port, `/${jobId}`)
  await expect.poll(() => gone === 5).toBe(true)
  await sleep(300)
  expect(open.size).toBe(0)
})

it('those who are ended leave nothing behind, and after that nobody gets a stream', async () => {
  const open = new OpenStreams()
  const server = await serveEvents(open, (_request, _response, next) => next())
  const first = await fetch(`${server.url}/${jobId}`)
  expect(open.size).toBe(1)
  open.endAll()
  expect(open.size).toBe(0)
  expect(await first.text()).toContain('"state":"queued"')
  expect((await fetch(`${server.url}/${jobId}`)).status).toBe(500)
})

it('what is asked behind an answer that is not out yet waits for it, and is never begun for one who leaves', async () => {
  const begun: string[] = []
  const app = express()
  app.use(inTurn())
  app.get('/:name', (request, response) => {
    begun.push(request.params.name)
    if (request.params.name === 'never') response.write('x')
    else setTimeout(() => response.send(request.params.name), 100)
  })
  const { port } = await serve(app)
  const patient = send(port, '/a', '/b', '/c')
  let answers = ''
  patient.setEncoding('utf8').on('data', text => {
    answers += text
  })
  await expect.poll(() => answers.endsWith('c')).toBe(true)
  expect(begun).toEqual(['a', 'b', 'c'])
  expect(answers.match(/\r\n\r\n[abc]/g)).toEqual(['\r\n\r\na', '\r\n\r\nb', '\r\n\r\nc'])
  patient.destroy()

  const leaver = send(port, '/never', '/behind')
  await expect.poll(() => begun.includes('never')).toBe(true)
  leaver.destroy()
  await sleep(200)
  expect(begun).not.toContain('behind')

  const crowd = send(port, '/never', ...Array.from({ length: 40 }, () => '/behind'))
  await once(crowd, 'close')
  expect(begun).not.toContain('behind')
})
