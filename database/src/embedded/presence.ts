import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { ignoreLostConnection } from '#connections.ts'

// Each user of the embedded server holds this advisory lock shared; any constant will do.
const PRESENCE_LOCK = 7_310_579
// A stopped process (SIGSTOP) accepts connections and answers nothing.
const ANSWER_TIMEOUT_MS = 5_000
const OTHERS_TIMEOUT_MS = 500
const POLL_MS = 2

/**
 * A connection that says "this server is in use". PostgreSQL frees the lock however the process ends. The
 * connection does not keep the process alive.
 */
export class Presence {
  readonly #client: pg.Client
  readonly #socket: Socket
  #alive = true

  private constructor(client: pg.Client, socket: Socket) {
    this.#client = client
    this.#socket = socket
  }

  /** To be called under the mutex. Throws what the client throws when there is no server. */
  static async enter(connection: pg.ClientConfig): Promise<Presence> {
    const socket = new Socket()
    const client = new pg.Client({
      ...connection,
      // For the whole session: no pooler stands before the embedded server.
      options: '-c search_path=',
      connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      stream: () => socket,
    })
    const presence = new Presence(client, socket)
    client.on('error', ignoreLostConnection)
    socket.on('close', () => {
      presence.#alive = false
    })
    try {
      await client.connect()
      await client.query('select pg_advisory_lock_shared($1)', [PRESENCE_LOCK])
    } catch (error) {
      socket.destroy()
      throw error
    }
    socket.unref()
    return presence
  }

  get alive(): boolean {
    return this.#alive
  }

  /**
   * Ends the presence. True when no other process is there, undefined when the connection is lost and nothing
   * is known. To be called under the mutex.
   */
  async leave(): Promise<boolean | undefined> {
    if (!this.#alive) return undefined
    this.#socket.ref()
    try {
      await this.#client.query('select pg_advisory_unlock_shared($1)', [PRESENCE_LOCK])
      const { rows } = await this.#client.query<{ last: boolean }>(
        'select pg_try_advisory_lock($1) as last',
        [PRESENCE_LOCK],
      )
      const last = rows[0]?.last === true
      if (last) await this.#waitForOthers()
      await this.#client.end()
      return last
    } catch {
      this.#socket.destroy()
      return undefined
    }
  }

  /** Closed connections may take a moment to end; half a second is enough, a fast stop ends the rest. */
  async #waitForOthers(): Promise<void> {
    const deadline = performance.now() + OTHERS_TIMEOUT_MS
    while (performance.now() < deadline) {
      const { rows } = await this.#client.query<{ others: number }>(
        `select count(*)::int as others from pg_stat_activity
          where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      )
      if (rows[0]?.others === 0) return
      await delay(POLL_MS)
    }
  }
}
