import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { z } from 'zod'
import { SYSTEM_ENVIRONMENT_FILE } from '#config/environment-files.ts'
import { replaceFile } from '#durable-files.ts'
import type { Config } from '#environment.ts'

const FILE_NAME = 'recovery-key.json'
const SYSTEM_FOLDER = dirname(SYSTEM_ENVIRONMENT_FILE)

/** What is known about the recovery key that the set-up made; no secret. Times are ISO 8601. */
export interface RecoveryKeyRecord {
  /** Its public key. */
  recipient: string
  /** Where its file was written on this machine. */
  file: string
  /** The folder of the set-up, if the file is in another one. */
  folder?: string | undefined
  made_at: string
  /** When a set-up ended that had said where the file is; before, nobody can have copied it. */
  announced_at: string | null
  confirmed_at: string | null
  /**
   * typed: a person typed the end of the secret key · said: a person said so after the key was announced ·
   * said at once: the run that made the key was told so, before anybody could copy the file.
   */
  confirmed_by: 'typed' | 'said' | 'said at once' | null
}

const RECORD: z.ZodType<RecoveryKeyRecord> = z.object({
  recipient: z.string().regex(/^age1[0-9a-z]+$/),
  file: z.string(),
  folder: z.string().optional(),
  made_at: z.iso.datetime(),
  announced_at: z.iso.datetime().nullable(),
  confirmed_at: z.iso.datetime().nullable(),
  confirmed_by: z.enum(['typed', 'said', 'said at once']).nullable(),
})

/**
 * The record in the state folder; undefined when the set-up made no key on this machine. Throws
 * `CONFIGURATION` for a record that cannot be read.
 */
export async function readRecoveryKeyRecord({
  stateFolder,
}: Pick<Config, 'stateFolder'>): Promise<RecoveryKeyRecord | undefined> {
  const path = join(stateFolder, FILE_NAME)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw unreadable(path, code ?? 'unknown', cause)
  }
  try {
    return RECORD.parse(JSON.parse(text))
  } catch (cause) {
    throw unreadable(path, 'it is not a record of this program', cause)
  }
}

/** The record of the key that the set-up made, while backups are encrypted for it; undefined without one. */
export async function recoveryKeyInUse(
  config: Pick<Config, 'stateFolder' | 'encryption'>,
): Promise<RecoveryKeyRecord | undefined> {
  const { encryption } = config
  const record = await readRecoveryKeyRecord(config)
  if (record === undefined || typeof encryption !== 'object') return undefined
  // A key that was replaced since encrypts nothing any more.
  return encryption.recipients.includes(record.recipient) ? record : undefined
}

/** Resolves when the record is on disk. */
export async function writeRecoveryKeyRecord(
  { stateFolder }: Pick<Config, 'stateFolder'>,
  record: RecoveryKeyRecord,
): Promise<void> {
  await replaceFile(join(stateFolder, FILE_NAME), `${JSON.stringify(record, undefined, 2)}\n`)
}

/** The folder that a set-up has to be told to find this key again; nothing for the usual folders. */
export function setupFolderOf(
  { file, folder = dirname(file) }: Pick<RecoveryKeyRecord, 'file' | 'folder'>,
  { stateFolder }: Pick<Config, 'stateFolder'>,
): { folder?: string } {
  return folder === stateFolder || folder === SYSTEM_FOLDER ? {} : { folder }
}

/** What to do about a recovery key of which nobody has said that it is saved. */
export function notConfirmed(
  key: Pick<RecoveryKeyRecord, 'file' | 'folder'>,
  config: Pick<Config, 'stateFolder'>,
): string {
  const { file } = key
  const where = setupFolderOf(key, config)
  return hint`Copy ${file} to another machine. Then run "${run('init', where)}" and type the end of the key, or run "${run('init', where, { 'key-saved': true })}": the file then leaves this machine.`.toString()
}

function unreadable(path: string, why: string, cause: unknown): BackupError {
  return new BackupError(`The record of the recovery key, ${path}, cannot be read: ${why}`, {
    code: 'CONFIGURATION',
    hint: 'Make sure that a copy of the key file is on another machine, then remove the record.',
    cause,
  })
}
