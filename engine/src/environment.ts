import { isAbsolute } from 'node:path'
import { searchPath } from '@telegram-backup/connectors/programs/search-path.ts'
import { BackupError } from '@telegram-backup/errors'
import {
  type Environment,
  readTelegramConfig,
  readVariable,
  type TelegramConfig,
} from 'telegram-deployment-bot/config'

export type { Environment }

/** All settings of the application. */
export interface Config extends TelegramConfig {
  /** TELEGRAM_BACKUP_CONFIG: where `telegram-backup.yaml` is, when it is not looked for. */
  configFile: string | undefined
  /** The catalog's PostgreSQL; undefined means the embedded server in the state folder. */
  databaseUrl: string | undefined
  /** TELEGRAM_BACKUP_PG_BIN: the folder of PostgreSQL's client programs, before all others; absolute. */
  postgresPrograms: string | undefined
}

/** Reads the environment; see the table in the README. Throws an error with the code `CONFIGURATION`. */
export function readConfig(environment: Environment = process.env): Config {
  return {
    ...readTelegramConfig(environment),
    databaseUrl: readVariable(environment, 'DATABASE_URL', 'secret'),
    configFile: readVariable(environment, 'TELEGRAM_BACKUP_CONFIG'),
    postgresPrograms: readPostgresPrograms(environment),
  }
}

/** The folder that {@link Config.postgresPrograms} is. Throws `CONFIGURATION` for one that depends on the working folder. */
export function readPostgresPrograms(environment: Environment = process.env): string | undefined {
  const folder = readVariable(environment, 'TELEGRAM_BACKUP_PG_BIN')
  if (folder === undefined || isAbsolute(folder)) return folder
  throw new BackupError('TELEGRAM_BACKUP_PG_BIN is no absolute path', {
    code: 'CONFIGURATION',
    hint: 'Name the folder from the root on, for example /usr/lib/postgresql/17/bin.',
  })
}

/** One variable by its name, or what is in the file that `NAME_FILE` names. Throws `CONFIGURATION` for a bad file. */
export function readSetting(environment: Environment, name: string): string | undefined {
  return readVariable(environment, name, 'secret')
}

/** What a child process needs to run at all; nothing of the user's own configuration goes along. */
export function bareEnvironment(environment: Environment = process.env): Record<string, string> {
  const { HOME } = environment
  // An empty HOME is not an absent one: what lies below it would lie in the working folder.
  return { PATH: searchPath(environment), ...(HOME ? { HOME } : {}) }
}
