import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'

/** Connections that have sent a valid key. */
const withGoodKey = new WeakSet<Socket>()

/** From now on this connection is not closed for another one. */
export function noteGoodKey(socket: Socket): void {
  withGoodKey.add(socket)
}

interface Connection {
  raw: Socket
  /** The socket that requests see: with TLS, the decrypted one. */
  seen: Socket
}

/**
 * Limits the connections of a server: each costs memory and a descriptor. A connection above the limit
 * replaces the oldest one without a valid key, from the address that has most of these, so that nobody can
 * shut out clients with keys. If all have sent a valid key, the new connection is closed.
 */
export function boundConnections(server: Server | TlsServer, most: number): void {
  const all = new Map<string, Connection>()
  const keyless = new Map<string, Set<Connection>>()
  const forget = (connection: Connection, { name, address }: Names): void => {
    if (all.get(name) === connection) all.delete(name)
    const others = keyless.get(address)
    others?.delete(connection)
    if (others?.size === 0) keyless.delete(address)
  }
  server.on('connection', (raw: Socket) => {
    if (all.size >= most) (oldestOfMost(keyless) ?? raw).destroy()
    if (raw.destroyed) return
    const [names, connection] = [namesOf(raw), { raw, seen: raw }]
    all.set(names.name, connection)
    keyless.set(names.address, (keyless.get(names.address) ?? new Set()).add(connection))
    raw.once('close', () => forget(connection, names))
  })
  server.on('secureConnection', (seen: Socket) => {
    const connection = all.get(namesOf(seen).name)
    if (connection !== undefined) connection.seen = seen
  })
}

interface Names {
  name: string
  address: string
}

function namesOf({ remoteAddress: address = '', remotePort }: Socket): Names {
  return { name: `${address} ${remotePort}`, address }
}

/**
 * Each set is in the order of opening. Connections that have sent a valid key since are removed on the way.
 */
function oldestOfMost(keyless: ReadonlyMap<string, Set<Connection>>): Socket | undefined {
  for (;;) {
    let largest: Set<Connection> | undefined
    for (const one of keyless.values()) if (one.size > (largest?.size ?? 0)) largest = one
    const [oldest] = largest ?? []
    if (largest === undefined || oldest === undefined) return undefined
    largest.delete(oldest)
    if (!oldest.raw.destroyed && !withGoodKey.has(oldest.seen)) return oldest.raw
  }
}
