import express, { type Response } from 'express'
import { expect, it } from 'vitest'
import { listen } from '#http/listen.ts'

const LOCAL = { host: '127.0.0.1', port: 0 }

it('a port that is taken is refused, or another one taken where that was asked for', async () => {
  const first = await listen(express(), LOCAL)
  await expect(listen(express(), { ...LOCAL, port: first.port })).rejects.toMatchObject({
    code: 'CONFIGURATION',
  })
  const second = await listen(express(), { ...LOCAL, port: first.port, orAnyPort: true })
  expect(second.port).not.toBe(first.port)
  await Promise.all([first.stop(1_000), second.stop(1_000)])
})

it('a stop lets an answer that is under way end, and takes no new connection', async () => {
  const app = express()
  const asked = Promise.withResolvers<Response>()
  app.get('/slow', (_request, response) => asked.resolve(response))
  const server = await listen(app, LOCAL)
  const answering = fetch(`${server.url}/slow`)
  const response = await asked.promise
  const stopped = server.stop(60_000)
  response.send('done')
  expect(await (await answering).text()).toBe('done')
  await stopped
  await expect(fetch(`${server.url}/slow`)).rejects.toThrow()
})

it('a stop breaks off after the grace what does not end', async () => {
  const app = express()
  app.get('/never', (_request, response) => void response.write('x'))
  const server = await listen(app, LOCAL)
  const answer = await fetch(`${server.url}/never`)
  await server.stop(300)
  await expect(answer.text()).rejects.toThrow()
})
