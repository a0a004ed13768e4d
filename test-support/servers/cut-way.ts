import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy to a server. While it is cut, the server seems to be away, but the port stays in use. */
export interface CutWay {
  /** Without a trailing slash. */
  readonly url: string
  /** Breaks off all connections, also new ones. */
  cut(): void
  /** Leads new connections to another server of this machine. */
  lead(serverUrl: string): void
  mend(): void
  close(): Promise<void>
}

/** Opens a proxy on a free port of 127.0.0.1. */
export async function openCutWay(serverUrl: string): Promise<CutWay> {
  let { hostname, port } = new URL(serverUrl)
  const ends = new Set<Socket>()
  let isCut = false
  const keep = (end: Socket): void => {
    ends.add(end)
    end.on('error', () => {}).once('close', () => ends.delete(end))
  }
  const cutAll = (): void => {
    for (const end of ends) end.destroy()
  }
  const server = createServer(client => {
    if (isCut) return void client.destroy()
    const there = connect(Number(port), hostname)
    keep(client)
    keep(there)
    client.once('close', () => there.destroy())
    there.once('close', () => client.destroy())
    client.pipe(there).pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true
      cutAll()
    },
    lead: otherUrl => {
      ;({ hostname, port } = new URL(otherUrl))
    },
    mend: () => {
      isCut = false
    },
    close: async () => {
      cutAll()
      server.close()
      await once(server, 'close')
    },
  }
}
