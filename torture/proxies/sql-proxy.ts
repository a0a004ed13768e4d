import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Gate } from '#torture/proxies/moments.ts'
import {
  backendMessages,
  frontendMessages,
  queryOf,
  type WireMessage,
} from '#torture/proxies/wire-messages.ts'

/** A way to the PostgreSQL server on which each statement can be stopped. */
export interface SqlProxy {
  readonly port: number
  /** Process ids of the server's backends that serve living connections. */
  backendPids(): number[]
  /** How many statements have come in. */
  statements(): number
  close(): Promise<void>
}

/** Statements of the pool itself, which change nothing and would only make the numbers depend on time. */
const UNCOUNTED = /^(select 1|set statement_timeout = .*)$/i

/** Statements that write, and the end of a transaction. */
const CHANGES =
  /^\s*(insert|update|delete|commit|create|alter|drop|with\b.*\b(insert into|update|delete from)\b)/is

/**
 * Listens on 127.0.0.1 for clients of the server on `port`. A statement is a Query message, or all messages
 * up to a Sync; its answer is held back until ReadyForQuery, so that after `after` the client knows nothing
 * of it.
 */
export async function openSqlProxy(serverPort: number, gate: Gate): Promise<SqlProxy> {
  const connections = new Set<Connection>()
  let count = 0
  const server = createServer({ noDelay: true }, client => {
    const connection = new Connection(client, { serverPort, gate, number: () => ++count })
    connections.add(connection)
    void connection.ended.then(() => connections.delete(connection))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    statements: () => count,
    backendPids: () => [...connections].flatMap(({ backendPid }) => backendPid ?? []),
    close: async () => {
      server.close()
      for (const connection of connections) connection.cut()
      await Promise.all([...connections].map(({ ended }) => ended))
    },
  }
}

interface Statement {
  text: string
  number: number
}

class Connection {
  backendPid: number | undefined
  readonly ended: Promise<void>
  readonly #client: Socket
  readonly #server: Socket
  readonly #options: { gate: Gate; number: () => number }
  readonly #asked: Statement[] = []
  #group: Buffer[] = []
  #text = ''
  #answer: Buffer[] = []

  constructor(client: Socket, options: { serverPort: number; gate: Gate; number: () => number }) {
    this.#client = client
    this.#server = connect({ port: options.serverPort, host: '127.0.0.1', noDelay: true })
    this.#options = options
    for (const socket of [client, this.#server]) {
      socket.on('error', () => {})
      socket.on('close', () => this.cut())
    }
    const ends = [client, this.#server].map(socket => once(socket, 'close').catch(() => {}))
    this.ended = Promise.all(ends).then(() => {})
    void this.#pump(frontendMessages(client), message => this.#fromClient(message))
    void this.#pump(backendMessages(this.#server), message => this.#fromServer(message))
  }

  cut(): void {
    this.#client.destroy()
    this.#server.destroy()
  }

  async #pump(
    messages: AsyncIterable<WireMessage>,
    take: (message: WireMessage) => Promise<void>,
  ): Promise<void> {
    try {
      for await (const message of messages) await take(message)
    } catch {
      // A socket that was broken off; the other end hears of it by its own.
    }
    this.cut()
  }

  async #fromClient(message: WireMessage): Promise<void> {
    if (message.type === 'encryption') {
      this.#client.write('N')
      return
    }
    this.#group.push(message.bytes)
    if (message.type === 'Q' || message.type === 'P') this.#text ||= queryOf(message)
    // Parse, Bind, Describe, Execute, Close wait for their Sync.
    if ('PBDEC'.includes(message.type)) return
    const group = Buffer.concat(this.#group)
    const text = this.#text
    this.#group = []
    this.#text = ''
    if ('QS'.includes(message.type) && !UNCOUNTED.test(text)) {
      const statement = { text: text || 'commit', number: this.#options.number() }
      const verdict = await this.#verdict('before', statement)
      if (verdict === 'cut') return this.cut()
      this.#asked.push(statement)
      this.#server.write(group)
      // Nobody is there any more for the answer; the server must have read the statement before it sees the
      // end.
      if (verdict === 'deliver') this.#client.destroy()
      return
    }
    if ('QS'.includes(message.type)) this.#asked.push({ text, number: 0 })
    this.#server.write(group)
  }

  async #fromServer(message: WireMessage): Promise<void> {
    if (message.type === 'K') this.backendPid = message.bytes.readInt32BE(5)
    this.#answer.push(message.bytes)
    const statement = this.#asked[0]
    if (statement && message.type !== 'Z') return
    if (statement) {
      this.#asked.shift()
      if (statement.number > 0 && (await this.#verdict('after', statement)) !== 'pass') return this.cut()
    }
    this.#client.write(Buffer.concat(this.#answer))
    this.#answer = []
  }

  async #verdict(
    phase: 'before' | 'after',
    { text, number }: Statement,
  ): Promise<'pass' | 'cut' | 'deliver'> {
    return await this.#options.gate({
      channel: 'sql',
      phase,
      number,
      changes: CHANGES.test(text),
      what: text.slice(0, 60).replace(/\s+/g, ' '),
    })
  }
}
