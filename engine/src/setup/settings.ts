import { join, resolve } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import { ENVIRONMENT_FILE_NAME, fillEnvironment, readTrusted } from '#config/environment-files.ts'
import { parseEnvironment } from '#config/environment-syntax.ts'
import { changeEnvironmentFile, createEnvironmentFile } from '#config/write-environment.ts'
import { isThere } from '#durable-files.ts'
import { type Config, readConfig } from '#environment.ts'

/** Variables that the service and later commands need as well, wherever the set-up got them from. */
const CARRIED = [
  'TELEGRAM_API_ROOT',
  'TELEGRAM_BACKUP_HOME',
  'TELEGRAM_BACKUP_PG_BIN',
  'TELEGRAM_MESSAGES_PER_MINUTE',
  'TELEGRAM_PART_SIZE',
  'TELEGRAM_REPLICA_CHAT_ID',
  'BACKUP_AGE_IDENTITY_FILE',
  'BACKUP_AGE_RECIPIENTS',
  'BACKUP_ENCRYPTION',
  'BACKUP_SIGNING_KEY_FILE',
  'DATABASE_URL',
  'DATABASE_URL_FILE',
]
const NAMES_PATH = /(?:_FILE|_HOME)$/
/** A pipe that a shell has opened for this run alone. */
const OF_THIS_RUN = /^\/(?:dev|proc)\//

const COMMENT = [
  'Settings of telegram-backup: NAME=value in each line. The README has a table of all names.',
  'The bot token is in this file: keep it readable for its owner alone.',
]

/** The environment, and the file in the folder of the set-up that keeps what is in no file yet. */
export class Settings {
  /** Where the file is, or will be. */
  readonly path: string
  readonly #environment: Record<string, string | undefined>
  /** The file that each variable came from. */
  readonly #origins: Map<string, string>
  /** What the file in the folder of the set-up has. */
  readonly #stored: Map<string, string>

  private constructor(
    path: string,
    environment: Record<string, string | undefined>,
    { origins, stored }: { origins: Map<string, string>; stored: Map<string, string> },
  ) {
    this.path = path
    this.#environment = environment
    this.#origins = origins
    this.#stored = stored
  }

  /**
   * Adds to the environment what files have. The file in the folder of the set-up counts before those that
   * every command reads.
   * @param options.named the environment file that a person named; it counts before all others
   */
  static async open(
    environment: Record<string, string | undefined>,
    { folder, named }: { folder: string; named?: string | undefined },
  ): Promise<Settings> {
    const path = join(folder, ENVIRONMENT_FILE_NAME)
    const files = [named, (await isThere(path)) ? path : undefined].filter(file => file !== undefined)
    const origins = new Map<string, string>()
    for (const file of files.length === 0 ? [undefined] : files) {
      const filled = await fillEnvironment(environment, { named: file })
      for (const [name, origin] of filled.origins) origins.set(name, origin)
    }
    const assignments = parseEnvironment((await readTrusted(path)) ?? '')
    const stored = new Map(assignments.map(({ name, value }) => [name, value]))
    return new Settings(path, environment, { origins, stored })
  }

  /** Throws `CONFIGURATION` for an invalid setting. */
  config(): Config {
    return readConfig(this.#environment)
  }

  get environment(): Readonly<Record<string, string | undefined>> {
    return this.#environment
  }

  /** Where a variable comes from, for people. */
  originOf(name: string): string {
    return this.#origins.get(name) ?? this.path
  }

  /**
   * Keeps variables, and uses them from now on: all of them, or none. True when something was written. Throws
   * `CONFIGURATION` when the file has another value.
   */
  async save(variables: Readonly<Record<string, string | undefined>>): Promise<boolean> {
    const wanted = Object.entries({ ...this.#carried(), ...variables })
    const missing = wanted.filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !this.#isKept(entry[0], entry[1]),
    )
    if (missing.length === 0) return false
    for (const [name] of missing) if (this.#stored.has(name)) throw this.#otherValue(name)
    const changes = Object.fromEntries(missing)
    if (await isThere(this.path)) await changeEnvironmentFile(this.path, changes)
    else await createEnvironmentFile(this.path, changes, COMMENT)
    for (const [name, value] of missing) {
      this.#environment[name] = value
      this.#origins.set(name, this.path)
      this.#stored.set(name, value)
    }
    return true
  }

  #isKept(name: string, value: string): boolean {
    if (this.#stored.get(name) === value) return true
    return this.#environment[name] === value && this.#origins.has(name)
  }

  #otherValue(name: string): BackupError {
    return new BackupError(`${this.path} has another ${name} than the one that is set now`, {
      code: 'CONFIGURATION',
      hint: `Unset ${name} to use what the file has, or change the file by hand.`,
    })
  }

  #carried(): Record<string, string> {
    const given = CARRIED.flatMap(name => {
      const value = this.#environment[name]?.trim()
      if (!value || this.#origins.has(name) || this.#stored.has(name)) return []
      if (!NAMES_PATH.test(name)) return [[name, value]]
      return OF_THIS_RUN.test(value) ? [] : [[name, resolve(value)]]
    })
    return Object.fromEntries(given)
  }
}
