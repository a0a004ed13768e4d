import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { CatalogError, FULL_DISK_HINT, isServerGone, toCatalogError } from '#catalog-error.ts'
import { findPostgresPackage, installBinaries, type PostgresPackage } from '#embedded/binaries.ts'
import { createCluster, nameFromInside } from '#embedded/cluster.ts'
import { saysDiskFull } from '#embedded/full-disk.ts'
import { holdingMutex } from '#embedded/mutex.ts'
import {
  findPostmaster,
  SOCKET_PORT,
  startPostmaster,
  stopPostmaster,
  worksInDeletedFolder,
} from '#embedded/postmaster.ts'
import { Presence } from '#embedded/presence.ts'
import { type FolderIdentity, identify } from '#embedded/processes.ts'
import { CATALOG_PROFILE, type ServerProfile } from '#embedded/server-profile.ts'
import { type Note, userName } from '#embedded/server-user.ts'
import {
  closedAncestor,
  openSocketFolder,
  prepareStateFolder,
  type SocketFolder,
  type StateFolder,
} from '#embedded/state-folder.ts'

const READY_TIMEOUT_MS = 60_000
// Together with all else that ends, less than the 20 seconds that a stopped service has.
const RESTART_TIMEOUT_MS = 15_000
const POLL_MS = 20
const START_ATTEMPTS = 3
// For root: any user can pass through here, while the state folder may be closed.
const PROGRAMS_OF_ROOT = '/var/lib/telegram-backup'

/**
 * The embedded PostgreSQL server of one state folder, for one of its users. The first process starts it, the
 * last one stops it, and each may be killed at any moment:
 * 1. All of that happens under one mutex across processes.
 * 2. Try to connect; else wait while a server starts or stops; else make the data folder and start one.
 * 3. The presence: an open connection holds a shared lock. A process that finds itself alone is the last.
 */
export class EmbeddedServer {
  readonly #package: PostgresPackage
  readonly #state: StateFolder
  readonly #socket: SocketFolder
  readonly #profile: ServerProfile
  readonly #note: Note
  #data: FolderIdentity | undefined
  #postmaster: number | undefined
  #presence: Presence | undefined
  #entering: Promise<void> | undefined

  private constructor(dataDir: string, profile: ServerProfile, note: Note) {
    this.#profile = profile
    this.#note = note
    this.#package = findPostgresPackage()
    this.#state = prepareStateFolder(dataDir, this.#package.major)
    this.#socket = openSocketFolder(this.#state)
  }

  /**
   * CatalogError CONFIGURATION when this folder or platform cannot work, CATALOG when the server fails, and
   * the signal's own reason.
   * @param options.profile the kind of server; it matters only when this call makes and starts it
   * @param options.note called with a sentence when the server's account is not as it should be, or was
   * changed
   */
  static async enter(
    dataDir: string,
    {
      signal,
      profile = CATALOG_PROFILE,
      note = () => {},
    }: { signal?: AbortSignal | undefined; profile?: ServerProfile; note?: Note | undefined } = {},
  ): Promise<EmbeddedServer> {
    const server = new EmbeddedServer(dataDir, profile, note)
    try {
      await server.#enter(signal)
    } catch (error) {
      server.#socket.close()
      throw error
    }
    return server
  }

  get stateFolder(): string {
    return this.#state.path
  }

  /** Every setting is given, so that no `PG*` variable of the user counts. */
  get connection(): pg.ClientConfig {
    return {
      host: this.#socket.path,
      port: SOCKET_PORT,
      user: this.#profile.logins[0],
      database: 'postgres',
      password: 'unused: the server knows its clients by their user id',
      application_name: 'telegram-backup',
      client_encoding: 'UTF8',
      options: '-c statement_timeout=0',
      ssl: false,
      sslnegotiation: 'postgres',
    }
  }

  /** Enters again when the server has gone; else costs nothing. */
  async stayEntered(): Promise<void> {
    if (this.#presence?.alive) return
    this.#entering ??= this.#enter().finally(() => {
      this.#entering = undefined
    })
    await this.#entering
  }

  /** Stops the server when no other process uses it. All other connections should be ended before. */
  async leave(): Promise<void> {
    await this.#entering?.catch(() => {})
    try {
      // Without the folder there is no mutex, and no process can enter either.
      if (existsSync(this.#state.path)) await holdingMutex(this.#state.mutexFile, () => this.#stopIfLast())
      else await this.#stopIfLast()
    } finally {
      this.#socket.close()
    }
  }

  async #stopIfLast(): Promise<void> {
    const last = await this.#leaveAsLast()
    const [data, pid] = [this.#data, this.#postmaster]
    // A server whose folder was deleted is useless, and may be unable to answer.
    if (data && pid && (last || worksInDeletedFolder(data, pid))) await stopPostmaster(data, pid)
  }

  /** Whether no other process is there. A server that crashed meanwhile may restart by itself. */
  async #leaveAsLast(): Promise<boolean> {
    const deadline = performance.now() + RESTART_TIMEOUT_MS
    for (;;) {
      const last = await this.#presence?.leave()
      if (last !== undefined) return last
      const data = this.#data
      if (!data || !findPostmaster(data) || performance.now() > deadline) return false
      if (!(await this.#connect(data).catch(() => false))) await delay(POLL_MS)
    }
  }

  async #enter(signal?: AbortSignal): Promise<void> {
    try {
      await holdingMutex(this.#state.mutexFile, () => this.#connectOrStart(signal), signal)
    } catch (error) {
      throw signal?.aborted ? error : startFailure(error)
    }
  }

  async #connectOrStart(signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS
    let isOurs = false
    for (let starts = 0; ; ) {
      const data = this.#dataFolder()
      if (data && (await this.#connect(data))) {
        const words = isOurs ? undefined : this.#profile.remark(data)
        if (words) this.#note(words)
        return
      }
      if (performance.now() > deadline) {
        throw new CatalogError('The embedded catalog does not answer', {
          code: 'CATALOG',
          hint: `Look into ${this.#state.logFile}.`,
        })
      }
      if (data && findPostmaster(data)) {
        await delay(POLL_MS, undefined, { signal })
        continue
      }
      try {
        await this.#start()
        isOurs = true
      } catch (error) {
        // A server whose starter was just killed may have been in the way.
        if (++starts === START_ATTEMPTS || !(data && findPostmaster(data))) throw error
      }
    }
  }

  /** The data folder. An open catalog accepts only the one it knows. */
  #dataFolder(): FolderIdentity | undefined {
    const found = identify(this.#state.dataFolder)
    if (this.#data && (found?.ino !== this.#data.ino || found.dev !== this.#data.dev)) {
      throw new CatalogError('The data folder of the embedded catalog was deleted or replaced', {
        code: 'CATALOG',
        hint: 'Close this catalog and open it again.',
      })
    }
    return found
  }

  async #connect(data: FolderIdentity): Promise<boolean> {
    try {
      this.#presence = await Presence.enter(this.connection)
    } catch (error) {
      if (isServerGone(error)) return false
      throw toCatalogError(error)
    }
    this.#data = data
    this.#postmaster = findPostmaster(data)
    return true
  }

  async #start(): Promise<void> {
    const { dataFolder, logFile, path } = this.#state
    const { logins } = this.#profile
    const user = await this.#profile.user(identify(dataFolder), this.#note)
    const closed = nameFromInside(path) === path && closedAncestor(path, user)
    if (closed) {
      throw new CatalogError(`The embedded catalog’s server cannot reach its folder: ${closed}`, {
        code: 'CONFIGURATION',
        hint: 'Open it with chmod o+x, or choose another folder with TELEGRAM_BACKUP_HOME.',
      })
    }
    const homes = user.spawnAs ? [PROGRAMS_OF_ROOT, path] : [path]
    const binaries = installBinaries(this.#package, homes, user)
    if (!identify(dataFolder)) await createCluster(binaries, dataFolder, { user, superuser: logins[0] })
    const data = identify(dataFolder)
    if (!data)
      throw new CatalogError('The data folder of the embedded catalog disappeared', { code: 'CATALOG' })
    const launch = this.#profile.prepare({ source: this.#package, binaries, data, user })
    // The kernel (out of memory) or a person killed it: nothing speaks against another start.
    for (let attempt = 1; attempt <= START_ATTEMPTS; attempt++) {
      const started = await startPostmaster({
        ...{ binaries, data, logFile, user, clientName: userName() },
        ...{ logins, ...launch },
      })
      if (started === 'ready') return
    }
    throw new CatalogError('The embedded PostgreSQL was killed (SIGKILL) each time it started', {
      code: 'CATALOG',
      hint: 'The system log names processes that were killed for lack of memory.',
    })
  }
}

function startFailure(error: unknown): CatalogError {
  if (error instanceof CatalogError) return error
  const hint = saysDiskFull(error)
    ? FULL_DISK_HINT
    : 'Check the rights of the state folder, or set DATABASE_URL.'
  const message = error instanceof Error ? error.message : String(error)
  return new CatalogError(`The embedded catalog cannot be started: ${message}`, {
    code: 'CATALOG',
    hint,
    cause: error,
  })
}
