import { readPostgresPrograms } from '@telegram-backup/connectors/postgres/client-programs.ts'
import {
  type Environment,
  readTelegramConfig,
  readVariable,
  type TelegramConfig,
} from 'telegram-deployment-bot/config'

export { bareEnvironment } from '@telegram-backup/connectors/programs/environment.ts'
export type { Environment }

export interface Config extends TelegramConfig {
  /** TELEGRAM_BACKUP_CONFIG: the path of `telegram-backup.yaml`; by default it is searched for. */
  configFile: string | undefined
  /** The catalog's PostgreSQL; undefined means the embedded server in the state folder. */
  databaseUrl: string | undefined
  /** How long to wait for each lock that another process holds; default: each lock's own time. */
  lockWaitMs?: number | undefined
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

/** A variable, or the contents of the file that `NAME_FILE` names. Throws `CONFIGURATION` for a bad file. */
export function readSetting(environment: Environment, name: string): string | undefined {
  return readVariable(environment, name, 'secret')
}
