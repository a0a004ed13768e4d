import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import { type Document, isMap, isNode, LineCounter, parseDocument, visit, type YAMLError } from 'yaml'
import type { z } from 'zod'
import { assertOwnConfiguration } from '#config/config-file-owner.ts'
import {
  CONFIG_FILE_SCHEMA,
  type ConfigFileContents,
  SOURCE_SETTING_NAMES,
  type TargetSettings,
} from '#config/config-file-schema.ts'
import { expandVariables, holdsPassword, ownSecretIn } from '#config/config-variables.ts'
import { DEFAULT_HTTP_SETTINGS, type HttpSettings } from '#config/http-settings.ts'
import { type NotificationSettings, readNotificationSettings } from '#config/notification-settings.ts'
import { type RetentionSettings, readRetentionSettings } from '#config/retention-settings.ts'
import type { SourceSettings } from '#config/source-settings.ts'
import { DEFAULT_VERIFICATION, type VerificationSettings } from '#config/verification-settings.ts'
import type { Config, Environment } from '#environment.ts'

const FILE_NAME = 'telegram-backup.yaml'
const SOURCE_EXAMPLE =
  'An entry below "sources:" looks like this: shop: { project: shop, type: database, postgres: "postgresql://USER@HOST/DATABASE" }'
/** Hints by section. */
const EXAMPLES: Readonly<Record<string, string>> = {
  targets:
    'An entry below "targets:" looks like this: staging: { postgres: "postgresql://USER@HOST/DATABASE" }',
  http: 'docs/http-api.md names the settings below "http:".',
  notifications: 'docs/monitoring.md names the settings below "notifications:".',
  retention: 'docs/retention.md names the settings below "retention:".',
  verification: 'docs/verification.md names the settings below "verification:".',
}

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
  readonly retention: RetentionSettings
  readonly verification: VerificationSettings
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
  const found = await findFile(config)
  const contents: ConfigFileContents = found
    ? parseContents(found.text, found.path)
    : {
        sources: {},
        targets: {},
        notifications: {},
        retention: {},
        http: DEFAULT_HTTP_SETTINGS,
        verification: DEFAULT_VERIFICATION,
      }
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
    retention: readRetentionSettings(contents.retention),
    verification: contents.verification,
    notifications: () =>
      readNotificationSettings(expandVariables(contents.notifications, environment, 'notifications')),
  }
}

interface FoundFile {
  path: string
  text: string
  isOpenToAll: boolean
}

async function findFile({
  configFile,
  stateFolder,
}: Pick<Config, 'configFile' | 'stateFolder'>): Promise<FoundFile | undefined> {
  const places = configFile === undefined ? [FILE_NAME, join(stateFolder, FILE_NAME)] : [configFile]
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

async function readOwn(path: string, isNamed: boolean): Promise<FoundFile> {
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

function parseContents(text: string, path: string): ConfigFileContents {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [fault] = [...document.errors, ...document.warnings] as YAMLError[]
  if (fault) throw wrong(path, lineAt(lines, fault.pos[0]), `no valid YAML (${fault.code})`)
  refuseOwnSecrets(document, lines, path)
  const parsed = CONFIG_FILE_SCHEMA.safeParse(plainValue(document, path))
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  // A misspelt setting is also missing under its right name; report the misspelling.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]
  const { where, words } = describeIssue(issue as z.core.$ZodIssue)
  throw wrong(
    path,
    lineAt(lines, offsetOf(document, where)),
    `${where.join('.')}: ${words}`,
    hintFor(where, issue?.code),
  )
}

/** Otherwise a URL in the file could send the token to any host. */
function refuseOwnSecrets(document: Document, lines: LineCounter, path: string): void {
  visit(document, {
    Scalar: (_, { value, range }) => {
      const name = typeof value === 'string' ? ownSecretIn(value) : undefined
      if (name === undefined) return
      throw wrong(
        path,
        lineAt(lines, range?.[0] ?? 0),
        `\${${name}} is a secret of this program and is not filled in`,
        'Keep the password of a source or a webhook in a variable of its own.',
      )
    },
  })
}

function plainValue(document: Document, path: string): unknown {
  try {
    return document.toJS() ?? {}
  } catch {
    // An alias of nothing, or a bomb of aliases.
    throw wrong(path, 1, 'no valid YAML (an alias cannot be resolved)')
  }
}

function describeIssue(issue: z.core.$ZodIssue): { where: PropertyKey[]; words: string } {
  if (issue.code === 'unrecognized_keys') {
    return { where: [...issue.path, issue.keys[0] ?? ''], words: 'no such setting' }
  }
  const words = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message
  return { where: issue.path, words: words ?? 'not understood' }
}

/** The offset of the key in the text, else of the nearest key above it. */
function offsetOf(document: Document, where: readonly PropertyKey[]): number {
  for (let length = where.length; length > 0; length--) {
    const parent: unknown =
      length === 1 ? document.contents : document.getIn(where.slice(0, length - 1), true)
    const pair = isMap(parent) ? parent.items.find(({ key }) => String(key) === where[length - 1]) : undefined
    if (isNode(pair?.key) && pair.key.range) return pair.key.range[0]
  }
  return 0
}

function lineAt(lines: LineCounter, offset: number): number {
  return lines.linePos(offset).line
}

function hintFor([section, _, setting]: readonly PropertyKey[], code?: string): string {
  const name = String(section)
  if (code === 'unrecognized_keys' && name === 'sources' && setting !== undefined)
    return `A source may have: ${SOURCE_SETTING_NAMES.join(', ')}.`
  return (Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : undefined) ?? SOURCE_EXAMPLE
}

function wrong(path: string, line: number, words: string, hint: string = SOURCE_EXAMPLE): BackupError {
  return new BackupError(`${path}, line ${line}: ${words}`, { code: 'CONFIGURATION', hint })
}

function unknownName(of: {
  kind: 'source' | 'target'
  name: string
  known: readonly string[]
  path: string | undefined
}): BackupError {
  const { kind, name, known, path } = of
  const place = path ?? `${FILE_NAME}, which is neither in the working nor in the state folder`
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
