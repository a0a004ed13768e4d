import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import type { CertificateFiles } from '@telegram-backup/engine/config/http-settings.ts'
import { certificateFiles } from '@telegram-backup/engine/config/http-settings.ts'
import { createLogger } from '@telegram-backup/engine/logging.ts'
import { selfSigned } from '@telegram-backup/test-support/self-signed.ts'
import express from 'express'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readCertificate, watchCertificate } from '#http/certificate.ts'
import { type ListeningServer, listen } from '#http/listen.ts'
import { rawExchange } from '#test/http/raw-exchange.ts'

let folder: string
let files: CertificateFiles
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificate-test-'))
  files = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
})
afterAll(() => rm(folder, { recursive: true }))

async function write({ cert, key }: { cert?: string; key?: string }): Promise<void> {
  if (cert !== undefined) await writeFile(files.certificate, cert)
  if (key === undefined) return
  // At once, as a tool that renews certificates does: half a key would be a fault of its own.
  await writeFile(`${files.key}.new`, key, { mode: 0o600 })
  await rename(`${files.key}.new`, files.key)
}

describe('a certificate that cannot be used', () => {
  beforeEach(() => write(selfSigned('first')))

  it.each<[string, () => Promise<unknown>]>([
    ['whose key others can read', () => chmod(files.key, 0o644)],
    ['whose key its group can change', () => chmod(files.key, 0o660)],
    ['whose key is of another one', () => write({ key: selfSigned('second').key })],
    ['that is none', () => write({ cert: 'nonsense' })],
    ['whose key is none', () => write({ key: 'nonsense' })],
    ['that is not there', () => rm(files.certificate)],
  ])('%s is refused, with what to do', async (_, spoil) => {
    await spoil()
    const error = await readCertificate(files).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'CONFIGURATION', hint: expect.any(String) })
    expect(String(error)).not.toContain('PRIVATE KEY')
  })

  it('is refused without its key, and a key without it', () => {
    expect(certificateFiles({})).toBeUndefined()
    for (const one of [{ certificate: 'a' }, { certificate_key: 'b' }]) {
      expect(() => certificateFiles(one)).toThrow('only one of them')
    }
  })
})

describe('a server with a certificate', () => {
  let server: ListeningServer
  let watching: { stop(): Promise<void> }
  const lines: string[] = []
  beforeAll(async () => {
    await write(selfSigned('first'))
    const app = express()
    app.get('/', (_request, response) => void response.send('hello'))
    const certificate = await readCertificate(files)
    server = await listen(app, { host: '127.0.0.1', port: 0, certificate })
    const log = createLogger({ level: 'debug', stream: { write: line => lines.push(line) } })
    watching = watchCertificate({
      ...{ files, current: certificate, use: server.useCertificate, log },
      ...{ everyMs: 20, secondTryMs: 20 },
    })
  })
  afterAll(async () => {
    await watching.stop()
    await server.stop(1_000)
  })
  const agents: Agent[] = []
  afterEach(() => {
    for (const agent of agents.splice(0)) agent.destroy()
  })

  const newAgent = (): Agent => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 })
    agents.push(agent)
    return agent
  }
  const ask = (agent: Agent): Promise<{ name: string; text: string; socket: TLSSocket }> =>
    new Promise((resolve, reject) => {
      get(server.url, { agent, rejectUnauthorized: false }, answer => {
        const socket = answer.socket as TLSSocket
        const name = String(socket.getPeerCertificate().subject.CN)
        let text = ''
        answer.on('data', chunk => {
          text += chunk
        })
        answer.on('end', () => resolve({ name, text, socket }))
      }).on('error', reject)
    })
  const nameNow = async (): Promise<string> => (await ask(newAgent())).name

  it('answers by https, and what speaks no TLS gets nothing', async () => {
    expect(server.url).toMatch(/^https:/)
    expect(await ask(newAgent())).toMatchObject({ name: 'first', text: 'hello' })
    const answer = await rawExchange(server.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(answer).not.toContain('hello')
    expect(await nameNow()).toBe('first')
  })

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    const speak = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<string | null> =>
      new Promise((resolve, reject) => {
        const socket = connect(
          {
            ...{ port: server.port, host: '127.0.0.1', rejectUnauthorized: false },
            ...{ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' },
          },
          () => {
            resolve(socket.getProtocol())
            socket.destroy()
          },
        )
        socket.once('error', reject)
      })
    expect(await speak('TLSv1.2')).toBe('TLSv1.2')
    expect(await speak('TLSv1.3')).toBe('TLSv1.3')
    await expect(speak('TLSv1.1')).rejects.toThrow()
  })

  it('takes a new one that is put in its place, and the connections that are there go on', async () => {
    const before = newAgent()
    const { socket } = await ask(before)
    await write(selfSigned('second'))
    await expect.poll(nameNow).toBe('second')
    expect(await ask(before)).toMatchObject({ name: 'first', socket })
  })

  it('goes on with the one before while the new one cannot be used, and says so once', async () => {
    lines.length = 0
    const third = selfSigned('third')
    await write({ cert: third.cert })
    const told = (): unknown[] => lines.map(line => JSON.parse(line)).filter(({ level }) => level === 'error')
    await expect.poll(() => told().length).toBe(1)
    expect(await nameNow()).toBe('second')
    await write({ key: third.key })
    await expect.poll(nameNow).toBe('third')
    expect(told()).toHaveLength(1)
  })
})
