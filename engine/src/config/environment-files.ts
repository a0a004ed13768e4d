import { isUtf8 } from 'node:buffer'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import { readStateFolder } from 'telegram-deployment-bot/config'
import { type Assignment, EnvironmentFault, parseEnvironment } from '#config/environment-syntax.ts'
import { type Distrust, distrustOf } from '#config/file-trust.ts'

/** The name of the environment file in the state folder. */
export const ENVIRONMENT_FILE_NAME = 'environment'
/** The environment file of the machine. */
export const SYSTEM_ENVIRONMENT_FILE = '/etc/telegram-backup/environment'
/** Names an environment file, as `--env-file` does; `off`: no file is read but the one of `--env-file`. */
export const ENVIRONMENT_FILE_VARIABLE = 'TELEGRAM_BACKUP_ENV_FILE'

/** Far more than any settings need. */
const MOST_BYTES = 256 * 1024
const READABLE_BY_ALL = 0o004
const READABLE_BY_GROUP = 0o040

/** What environment files have added to an environment. */
export interface FilledEnvironment {
  /** The path of the file that each added variable comes from. */
  readonly origins: ReadonlyMap<string, string>
  /** The files that were read, first the one that counts most. */
  readonly files: readonly string[]
  /** Files that exist, but that this user may not read. */
  readonly unreadable: readonly string[]
}

interface SettingsFile {
  path: string
  assignments: readonly Assignment[]
}

/**
 * Adds to an environment what is not set in it: from the file that was named, then from `environment` in the
 * state folder, then from `/etc/telegram-backup/environment`. A variable that is set, and not empty, always
 * stays: what somebody types for one command counts more than what is stored. NAME and NAME_FILE are one
 * setting, so a stored NAME never replaces a NAME_FILE that was typed.
 *
 * Throws `CONFIGURATION` for a file that another user may write, that others may read, or that cannot be
 * parsed; the message names the line, never its text.
 * @param options.named the file of `--env-file`; it must exist
 * @param options.systemFile default: {@link SYSTEM_ENVIRONMENT_FILE}
 */
export async function fillEnvironment(
  environment: Record<string, string | undefined>,
  options: { named?: string | undefined; systemFile?: string } = {},
): Promise<FilledEnvironment> {
  const variable = environment[ENVIRONMENT_FILE_VARIABLE]?.trim() || undefined
  const isOff = variable === 'off'
  const name = options.named ?? (isOff ? undefined : variable)
  const named = name === undefined ? undefined : await readEnvironmentFile(resolve(name))
  if (name !== undefined && named === undefined) throw missing(name)
  const unreadable: string[] = []
  const systemFile = options.systemFile ?? SYSTEM_ENVIRONMENT_FILE
  const system = isOff ? undefined : await readSystemFile(systemFile, unreadable)
  // A file may choose the state folder; the file in that folder may not choose another one.
  const home = { ...environment }
  for (const file of [named, system]) addTo(home, file, new Map())
  const own = isOff ? undefined : await readOwnFile(readStateFolder(home), [named?.path, system?.path])
  const files = [named, own, system].filter(file => file !== undefined)
  const origins = new Map<string, string>()
  for (const file of files) addTo(environment, file, origins)
  return { origins, files: files.map(({ path }) => path), unreadable }
}

/** A file that this user may not read is for others, such as the user of the service. */
async function readSystemFile(path: string, unreadable: string[]): Promise<SettingsFile | undefined> {
  try {
    return await readEnvironmentFile(path)
  } catch (error) {
    const cause = (error as BackupError).cause as NodeJS.ErrnoException | undefined
    if (cause?.code !== 'EACCES') throw error
    unreadable.push(path)
    return undefined
  }
}

async function readOwnFile(
  stateFolder: string,
  read: readonly (string | undefined)[],
): Promise<SettingsFile | undefined> {
  const path = join(stateFolder, ENVIRONMENT_FILE_NAME)
  const file = read.includes(path) ? undefined : await readEnvironmentFile(path)
  const other = file?.assignments.find(
    ({ name, value }) =>
      name === STATE_FOLDER && value.trim() !== '' && resolve(value.trim()) !== stateFolder,
  )
  if (other === undefined) return file
  throw refused(
    `${path}, line ${other.line}: ${STATE_FOLDER} is not the folder that this file is in`,
    `Remove the line, or set ${STATE_FOLDER} outside of the state folder, for example in ${SYSTEM_ENVIRONMENT_FILE}.`,
  )
}

const STATE_FOLDER = 'TELEGRAM_BACKUP_HOME'

/** A name with or without `_FILE`: two ways to give one setting. */
function settingOf(name: string): string {
  return name.replace(/_FILE$/, '')
}

function addTo(
  environment: Record<string, string | undefined>,
  file: SettingsFile | undefined,
  origins: Map<string, string>,
): void {
  if (file === undefined) return
  const isSet = (name: string): boolean =>
    Object.hasOwn(environment, name) && Boolean(environment[name]?.trim())
  const stored = new Map(file.assignments.map(({ name, value }) => [name, value]))
  const missing = [...stored].filter(([name]) => !isSet(settingOf(name)) && !isSet(`${settingOf(name)}_FILE`))
  for (const [name, value] of missing) {
    if (value.trim() === '') continue
    environment[name] = value
    origins.set(name, file.path)
  }
}

/** Undefined if there is none. */
async function readEnvironmentFile(path: string): Promise<SettingsFile | undefined> {
  const text = await readTrusted(path)
  if (text === undefined) return undefined
  try {
    return { path, assignments: parseEnvironment(text) }
  } catch (error) {
    if (!(error instanceof EnvironmentFault)) throw error
    throw refused(
      `${path}, line ${error.line}: ${error.message}`,
      'Write NAME=value in each line, and a value with other characters than letters and digits in double quotes.',
    )
  }
}

/**
 * The text of an environment file, if nobody else could have written or read it; undefined if there is none.
 * Throws `CONFIGURATION`.
 */
export async function readTrusted(path: string): Promise<string | undefined> {
  let file: FileHandle
  try {
    // Opening a FIFO waits for a writer, and a terminal must not become ours.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw refused(
      `The environment file ${path} cannot be read (${code})`,
      'Make it readable to this user, or run the command as the user that it belongs to.',
      cause,
    )
  }
  try {
    const distrust = await distrustOf(file, path)
    if (distrust !== undefined)
      throw refused(`${unused(path)}: it ${distrust.words}`, TODO[distrust.kind](path))
    const { uid, mode } = await file.stat()
    // A file of root may be readable to the group of the service that runs with it.
    const forbidden = uid === 0 ? READABLE_BY_ALL : READABLE_BY_ALL | READABLE_BY_GROUP
    if ((mode & forbidden) !== 0)
      throw refused(
        `${unused(path)}: other users can read it`,
        `It may hold the bot token. Run: chmod 600 ${path}${uid === 0 ? ' (or 640, for a group of its own)' : ''}`,
      )
    return await readText(file, path)
  } finally {
    await file.close()
  }
}

async function readText(file: FileHandle, path: string): Promise<string> {
  const bytes = Buffer.alloc(MOST_BYTES + 1)
  let size = 0
  while (size < bytes.length) {
    const { bytesRead } = await file.read(bytes, size, bytes.length - size, size)
    if (bytesRead === 0) break
    size += bytesRead
  }
  const isText = size <= MOST_BYTES && isUtf8(bytes.subarray(0, size)) && !bytes.subarray(0, size).includes(0)
  if (isText) return bytes.toString('utf8', 0, size)
  throw refused(
    `${unused(path)}: ${size > MOST_BYTES ? `it is larger than ${MOST_BYTES / 1024} KiB` : 'it is not text'}`,
    'Write NAME=value in each line, and nothing else.',
  )
}

const TODO: Readonly<Record<Distrust['kind'], (path: string) => string>> = {
  'not a file': () => 'Name a file; folders, pipes and devices are not read.',
  link: () => 'Keep it in a folder that only you can write to.',
  owner: path =>
    `It could send backups elsewhere. Run as its owner, or make it yours: chown $(id -u) ${path}`,
  mode: path => `It could send backups elsewhere. Run: chmod go-w ${path}`,
  folder: () => 'It could be replaced. Keep it in a folder that only you can write to.',
}

function unused(path: string): string {
  return `The environment file ${path} is not used`
}

function missing(path: string): BackupError {
  return refused(`The environment file ${path} does not exist`, 'Name a file that exists.')
}

function refused(message: string, hint: string, cause?: unknown): BackupError {
  return new BackupError(message, { code: 'CONFIGURATION', hint, cause })
}
