import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { type ConfigProblem, readConfigDocument } from '#config/config-document.ts'
import { assertOwnConfiguration } from '#config/config-file-owner.ts'
import type { ConfigFileContents, TargetSettings } from '#config/config-file-schema.ts'
import { expandVariables, holdsPassword } from '#config/config-variables.ts'
import { DEFAULT_HTTP_SETTINGS, type HttpSettings } from '#config/http-settings.ts'
import { type NotificationSettings, readNotificationSettings } from '#config/notification-settings.ts'
import { DEFAULT_OBJECT_SETTINGS, type ObjectSettings } from '#config/object-settings.ts'
import type { OidcSettings } from '#config/oidc-settings.ts'
import { type RetentionSettings, readRetentionSettings } from '#config/retention-settings.ts'
import type { SourceSettings } from '#config/source-settings.ts'
import { DEFAULT_VERIFICATION, type VerificationSettings } from '#config/verification-settings.ts'
import type { Config, Environment } from '#environment.ts'

export const CONFIG_FILE_NAME = 'telegram-backup.yaml'

/** The contents of `telegram-backup.yaml`. Without a file there are no sources and no targets. */
export interface ConfigFile {
  /** Undefined without a file. */
  readonly path: string | undefined
  /** A hash of the file: equal while nothing in it is changed. */
  readonly edition: string
  readonly sourceNames: readonly string[]
  readonly targetNames: readonly string[]
  /** Sentences for the user. */
  readonly warnings: readonly string[]
  /** With its variables filled in. Throws `CONFIGURATION` for an unknown name or an unset variable. */
  source(name: string): SourceSettings
  target(name: string): TargetSettings
  /**
   * The project of a source or target, even when the rest of it cannot be used. Null for a target without a
   * project; undefined for an unknown name, and when a variable in the project is not set.
   */
  projectOf(kind: 'source' | 'target', name: string): string | null | undefined
  /** Throws `CONFIGURATION`. */
  notifications(): NotificationSettings
  readonly http: HttpSettings
  /** Below `http: oidc:`, with their variables filled in. Throws `CONFIGURATION`. */
  providers(): readonly OidcSettings[]
  readonly retention: RetentionSettings
  readonly verification: VerificationSettings
  readonly objects: ObjectSettings
}

/**
 * Reads the file that TELEGRAM_BACKUP_CONFIG names, else the one in the working folder, else in the state
 * folder. Throws `CONFIGURATION` with the number of the wrong line, never with its text, which may be a
 * password.
 */
export async function readConfigFile(
  config: Pick<Config, 'configFile' | 'stateFolder'>,
  environment: Environment = process.env,
): Promise<ConfigFile> {
  const found = await findConfigFile(config)
  return configFileOf(found, found ? parseContents(found.text, found.path) : NOTHING, environment)
}

const NOTHING: ConfigFileContents = {
  sources: {},
  targets: {},
  notifications: {},
  retention: {},
  http: DEFAULT_HTTP_SETTINGS,
  verification: DEFAULT_VERIFICATION,
  objects: DEFAULT_OBJECT_SETTINGS,
}

/** The file as the rest of the program sees it; its variables are filled in on use. */
export function configFileOf(
  found: FoundConfigFile | undefined,
  contents: ConfigFileContents,
  environment: Environment,
): ConfigFile {
  const named = <Kind>(kind: 'source' | 'target', entries: Record<string, Kind>, name: string): Kind => {
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined
    if (entry === undefined) throw unknownName({ kind, name, known: Object.keys(entries), path: found?.path })
    return entry
  }
  return {
    path: found?.path,
    edition: createHash('sha256')
      .update(found === undefined ? 'none' : `at ${found.path}\n${found.text}`)
      .digest('hex'),
    sourceNames: Object.keys(contents.sources),
    targetNames: Object.keys(contents.targets),
    warnings: found?.isOpenToAll && holdsPassword(contents) ? [openPassword(found.path)] : [],
    source: name => {
      // The arguments of hooks stand in the list of processes: no value of a variable gets into them.
      const { before, after, ...settings } = named('source', contents.sources, name)
      const filled = expandVariables(settings, environment, `source "${name}"`)
      return { ...filled, ...(before && { before }), ...(after && { after }) }
    },
    target: name => expandVariables(named('target', contents.targets, name), environment, `target "${name}"`),
    projectOf: (kind, name) => {
      const entries = contents[`${kind}s`]
      const entry = Object.hasOwn(entries, name) ? entries[name] : undefined
      if (entry === undefined) return undefined
      try {
        return expandVariables(entry.project ?? null, environment, `${kind} "${name}"`)
      } catch {
        return undefined
      }
    },
    http: contents.http,
    providers: () => expandVariables(contents.http.oidc, environment, '"oidc" below "http:"'),
    retention: readRetentionSettings(contents.retention),
    verification: contents.verification,
    objects: contents.objects,
    notifications: () =>
      readNotificationSettings(expandVariables(contents.notifications, environment, 'notifications')),
  }
}

export interface FoundConfigFile {
  path: string
  text: string
  isOpenToAll: boolean
}

/** The file and its text; undefined when there is none and none is named. Throws `CONFIGURATION`. */
export async function findConfigFile({
  configFile,
  stateFolder,
}: Pick<Config, 'configFile' | 'stateFolder'>): Promise<FoundConfigFile | undefined> {
  const places =
    configFile === undefined ? [CONFIG_FILE_NAME, join(stateFolder, CONFIG_FILE_NAME)] : [configFile]
  for (const place of places) {
    const path = resolve(place)
    try {
      return await readOwn(path, configFile !== undefined)
    } catch (cause) {
      if (cause instanceof BackupError) throw cause
      const { code } = cause as NodeJS.ErrnoException
      if (configFile === undefined && (code === 'ENOENT' || code === 'ENOTDIR')) continue
      throw new BackupError(`The configuration file ${path} cannot be read (${code})`, {
        code: 'CONFIGURATION',
        hint:
          configFile === undefined
            ? 'Make it readable, or name another one in TELEGRAM_BACKUP_CONFIG.'
            : 'Set TELEGRAM_BACKUP_CONFIG to a file that can be read, or unset it.',
        cause,
      })
    }
  }
  return undefined
}

async function readOwn(path: string, isNamed: boolean): Promise<FoundConfigFile> {
  // Opening a FIFO waits for a writer. Only a named file may be one: shells pass files like that.
  const file = await open(path, constants.O_RDONLY | (isNamed ? 0 : constants.O_NONBLOCK))
  try {
    await assertOwnConfiguration(file, { path, isNamed })
    const { mode } = await file.stat()
    return { path, text: await file.readFile('utf8'), isOpenToAll: (mode & 0o004) !== 0 }
  } finally {
    await file.close()
  }
}

/** Throws `CONFIGURATION` with the first problem in the file, and the number of the others. */
function parseContents(text: string, path: string): ConfigFileContents {
  const { contents, problems } = readConfigDocument(text)
  if (contents !== undefined) return contents
  const [first, ...others] = problems
  throw new BackupError(
    `${path}, ${first === undefined ? 'not understood' : describeProblem(first)}${others.length === 0 ? '' : ` (and ${others.length} more)`}`,
    {
      code: 'CONFIGURATION',
      hint:
        others.length === 0 ? (first?.hint ?? undefined) : hint`${run('config check')} shows each of them.`,
    },
  )
}

/** `line 3, column 5: sources.shop.type: write database, storage or logs`. */
export function describeProblem({ line, column, path, message }: ConfigProblem): string {
  const place = line === null ? '' : `line ${line}, column ${column}: `
  return `${place}${path === '' ? '' : `${path}: `}${message}`
}

function unknownName(of: {
  kind: 'source' | 'target'
  name: string
  known: readonly string[]
  path: string | undefined
}): BackupError {
  const { kind, name, known, path } = of
  const place = path ?? `${CONFIG_FILE_NAME}, which is neither in the working nor in the state folder`
  return new BackupError(`No ${kind} is named ${JSON.stringify(name)} in ${place}`, {
    code: 'CONFIGURATION',
    hint:
      known.length > 0
        ? `There are: ${known.join(', ')}.`
        : 'Write one into it, or name another file in TELEGRAM_BACKUP_CONFIG.',
  })
}

function openPassword(path: string): string {
  return `${path} holds a password and can be read by everyone; chmod 600 it, or write the password as \${NAME}`
}
