import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { BackupError, hint, option } from '@telegram-backup/errors'
import type { Express } from 'express'
import type { Certificate } from '#http/certificate.ts'
import { boundConnections } from '#http/connections.ts'
import { answerUnreadable } from '#http/unreadable.ts'

/** A server that listens. */
export interface ListeningServer {
  /** `http://host:port`, or `https:` with a certificate. */
  url: string
  port: number
  /** For new connections; only on a server that started with a certificate. */
  useCertificate(next: Certificate): void
  /** Accepts no new connections, and breaks off requests that have not ended after `graceMs`. */
  stop(graceMs: number): Promise<void>
}

export interface ListenOptions {
  host: string
  port: number
  /** Take a free port if this one is in use. */
  orAnyPort?: boolean
  /** How long the TLS handshake may take, and then the headers of a request. */
  headersWithinMs?: number
  /** See `boundConnections`. */
  mostConnections?: number
  /** Plain HTTP without one. */
  certificate?: Certificate | undefined
}

const HEADERS_WITHIN_MS = 10_000
const LOOK_EVERY_MS = 1_000
const KEEP_ALIVE_MS = 65_000
const MOST_CONNECTIONS = 5_000

/** Listens for the application; port 0 takes a free one. Throws `CONFIGURATION` if it cannot listen there. */
export async function listen(app: Express, where: ListenOptions): Promise<ListeningServer> {
  const { certificate, headersWithinMs = HEADERS_WITHIN_MS, mostConnections = MOST_CONNECTIONS } = where
  const options = {
    headersTimeout: headersWithinMs,
    connectionsCheckingInterval: LOOK_EVERY_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // An upload may take hours; the code that reads a body limits the wait for the next bytes.
    requestTimeout: 0,
    maxHeaderSize: 16 * 1024,
    // The application answers this with a problem; Node would send an empty answer.
    requireHostHeader: false,
  }
  const secure =
    certificate &&
    createTlsServer({ ...options, ...tlsOptions(certificate), handshakeTimeout: headersWithinMs })
  const server: Server | TlsServer = secure ?? createServer(options)
  server.on('request', app)
  // Without a listener, Node asks for the body before the key is checked.
  server.on('checkContinue', app)
  // Other expectations are ignored.
  server.on('checkExpectation', app)
  boundConnections(server, mostConnections)
  answerUnreadable(server)
  await bind(server, where).catch(async (cause: NodeJS.ErrnoException) => {
    if (where.orAnyPort && cause.code === 'EADDRINUSE') return await bind(server, { ...where, port: 0 })
    throw new BackupError(`Cannot listen on ${where.host} port ${where.port} (${cause.code})`, {
      code: 'CONFIGURATION',
      hint: hint`Choose another with ${option('port')} and ${option('host')}.`,
      cause,
    })
  })
  const { address, port, family } = server.address() as AddressInfo
  return {
    url: `${secure === undefined ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    useCertificate: next => secure?.setSecureContext(tlsOptions(next)),
    stop: graceMs => stop(server, graceMs),
  }
}

function tlsOptions({ cert, key }: Certificate): { cert: Buffer; key: Buffer; minVersion: 'TLSv1.2' } {
  return { cert, key, minVersion: 'TLSv1.2' }
}

function bind(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function stop(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), graceMs)
  // A connection becomes idle only some time after its answer.
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  await closed
  clearTimeout(timer)
  clearInterval(idle)
}
