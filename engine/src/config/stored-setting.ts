import { constants } from 'node:fs'
import { access, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import type { FilledEnvironment } from '#config/environment-files.ts'
import { changeEnvironmentFile } from '#config/write-environment.ts'
import { replaceFile } from '#durable-files.ts'
import type { Environment } from '#environment.ts'

/** Where a setting is stored, so that a new value can take the place of the old one. */
export interface StoredSetting {
  /** The environment file, or the file that `NAME_FILE` names. */
  readonly path: string
  /** Replaces it at once or not at all; owner and mode stay. */
  replace(value: string): Promise<void>
}

/**
 * Finds the file that holds a setting, and checks that it can be replaced. Throws `CONFIGURATION` when the
 * setting is in no file: a variable of this process cannot be changed for others.
 */
export async function findStored(
  name: string,
  environment: Environment,
  { origins }: Pick<FilledEnvironment, 'origins'>,
): Promise<StoredSetting> {
  const isSet = (variable: string): boolean => Boolean(environment[variable]?.trim())
  const origin = origins.get(name)
  if (isSet(name) && origin !== undefined) {
    await assertReplaceable(origin)
    return { path: origin, replace: value => changeEnvironmentFile(origin, { [name]: value }) }
  }
  const secretFile = isSet(name) ? undefined : environment[`${name}_FILE`]?.trim()
  if (secretFile) {
    await assertReplaceable(secretFile)
    return { path: secretFile, replace: value => replaceFile(secretFile, `${value}\n`) }
  }
  throw new BackupError(
    isSet(name)
      ? `${name} is set in the environment of this command, and in no environment file`
      : `${name} is not set`,
    {
      code: 'CONFIGURATION',
      hint: `Write ${name} into an environment file, and unset the variable. Then run this command again.`,
    },
  )
}

/** A file is replaced by another one beside it, so its folder must be writable. */
async function assertReplaceable(path: string): Promise<void> {
  try {
    const place = await realpath(path)
    await access(place, constants.R_OK)
    await access(dirname(place), constants.W_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new BackupError(`${path} cannot be replaced (${code})`, {
      code: 'CONFIGURATION',
      hint: 'Run this command as the user that the file and its folder belong to.',
      cause,
    })
  }
}
