import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * A way to a server that can be cut: to whoever takes it, the server is away then. The address stays taken
 * meanwhile, so that nobody else gets it.
 */
export interface CutWay {
  /** Without a trailing slash. */
  readonly url: string
  /** Breaks off all connections, and every one that is made from now on. */
  cut(): void
  /** From the next connection on, it leads to another server of this machine. */
  lead(serverUrl: string): void
  /** Lets through again. */
  mend(): void
  close(): Promise<void>
}

/** Opens one to a server of this machine, on a free port of 127.0.0.1. */
export async function openCutWay(serverUrl: string): Promise<CutWay> {
  let { hostname, port } = new URL(serverUrl)
  const ends = new Set<Socket>()
  let isCut = false
  const keep = (end: Socket): void => {
    ends.add(end)
    // Where one end breaks off, the other one does as well.
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
