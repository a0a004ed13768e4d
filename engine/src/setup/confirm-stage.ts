import { lstat } from 'node:fs/promises'
import { readIdentityFile, recipientOf } from '@telegram-backup/archive'
import { hint, option, run } from '@telegram-backup/errors'
import { isThere, removeFile } from '#durable-files.ts'
import {
  notConfirmed,
  type RecoveryKeyRecord,
  readRecoveryKeyRecord,
  writeRecoveryKeyRecord,
} from '#recovery-key.ts'
import type { RecoveryKey } from '#setup/keys-stage.ts'
import type { Setup, Staged } from '#setup/setup.ts'

/** As many characters as a person can find at the end of a key, and as no other key ends by chance. */
const TYPED_LENGTH = 6

export interface ConfirmedKey {
  isConfirmed: boolean
  /** Where its file still is on this machine; undefined when it is gone. */
  file: string | undefined
}

/**
 * Records that a copy of the recovery key is elsewhere, and then removes its file from this machine. The file
 * is removed only when the record is on disk, when a person typed the end of the key or said that it is
 * saved, and could have copied it: not by the run that made the key, nor after a run that ended before it
 * said where the key is. A file that was put back later stays, until a person types its end.
 */
export async function confirmRecoveryKey(
  setup: Setup,
  key: RecoveryKey | undefined,
): Promise<Staged<ConfirmedKey | undefined>> {
  const record = key && (await readRecoveryKeyRecord(setup.settings.config()))
  if (key === undefined || record === undefined) {
    return {
      state: 'there',
      message: 'the keys are your own; keep a copy of the key file on another machine',
      result: undefined,
    }
  }
  // Another set-up, or a change of keys, has ended meanwhile: what it recorded says nothing about this key.
  if (record.recipient !== key.recipient) return await otherKey(setup, key)
  const secret = await secretIn(key)
  if (isSurelySaved(record) && !(await isPutBack(key, record))) return await takeAway(key, secret)
  if (setup.answers.isKeySaved) return await believe(setup, { key, record, secret })
  if (setup.ask !== undefined && secret !== undefined) {
    const { file } = key
    const isEnd = (typed: string): boolean => typed.trim().toUpperCase() === secret.slice(-TYPED_LENGTH)
    if (await setup.ask.recoveryKey({ file, secret, isEnd }))
      return await confirm(setup, { key, record, secret }, 'typed')
  }
  return await leave(setup, { key, record })
}

interface Known {
  key: RecoveryKey
  record: RecoveryKeyRecord
  /** The secret key in the file, if the file is there and holds no other key. */
  secret?: string | undefined
}

function isSurelySaved({ confirmed_by: by }: RecoveryKeyRecord): boolean {
  return by === 'typed' || by === 'said'
}

/**
 * Whether the key came here after it was confirmed: a person may have moved their only copy here. A file that
 * a run confirmed, and was killed before it removed it, is older.
 */
async function isPutBack({ file }: RecoveryKey, { confirmed_at: at }: RecoveryKeyRecord): Promise<boolean> {
  if (at === null || !(await isThere(file))) return false
  return (await lstat(file)).ctimeMs > Date.parse(at)
}

async function otherKey(setup: Setup, { file }: RecoveryKey): Promise<Staged<ConfirmedKey>> {
  setup.hooks.note(`The recovery key is in ${file}. Copy it to another machine.`)
  return {
    state: 'open',
    message: 'recovery key not confirmed: another run has changed the recovery key meanwhile',
    hint: hint`Run "${run('init')}" again.`.toString(),
    result: { isConfirmed: false, file: (await isThere(file)) ? file : undefined },
  }
}

async function believe(setup: Setup, known: Known): Promise<Staged<ConfirmedKey>> {
  const { key, record } = known
  if (record.confirmed_by === null && record.announced_at !== null && !key.isNew)
    return await confirm(setup, known, 'said')
  const isNews = record.confirmed_by === null
  if (isNews) await keep(setup, record, 'said at once')
  return await stillHere(key, isNews)
}

async function confirm(
  setup: Setup,
  { key, record, secret }: Known,
  by: 'typed' | 'said',
): Promise<Staged<ConfirmedKey>> {
  await keep(setup, record, by)
  return { ...(await takeAway(key, secret)), state: 'made' }
}

async function leave(setup: Setup, { key, record }: Known): Promise<Staged<ConfirmedKey>> {
  if (record.confirmed_by !== null) return await stillHere(key, false)
  setup.hooks.note(`The recovery key is in ${key.file}. Copy it to another machine.`)
  if (record.announced_at === null) await keep(setup, record, null)
  return {
    state: 'open',
    message: 'recovery key not confirmed',
    hint: notConfirmed({ file: key.file, folder: setup.folder }, setup.settings.config()),
    result: { isConfirmed: false, file: (await isThere(key.file)) ? key.file : undefined },
  }
}

async function stillHere(key: RecoveryKey, isNews: boolean): Promise<Staged<ConfirmedKey>> {
  const state = isNews ? 'made' : 'there'
  if (!(await isThere(key.file)))
    return { state, message: 'confirmed', result: { isConfirmed: true, file: undefined } }
  return {
    state,
    message: `confirmed, and still on this machine, in ${key.file}`,
    hint: hint`Move the file to another machine now: this run could not know of a copy. "${run('init')}" without ${option('key-saved')} asks for the end of the key, and then removes the file.`.toString(),
    result: { isConfirmed: true, file: key.file },
  }
}

async function takeAway(key: RecoveryKey, secret: string | undefined): Promise<Staged<ConfirmedKey>> {
  if (secret !== undefined) await removeFile(key.file)
  const isLeft = await isThere(key.file)
  return {
    state: secret === undefined ? 'there' : 'made',
    message: isLeft
      ? `confirmed; ${key.file} holds something else than this key, and stays`
      : 'confirmed; the secret key is not on this machine',
    result: { isConfirmed: true, file: isLeft ? key.file : undefined },
  }
}

async function keep(
  { settings }: Setup,
  record: RecoveryKeyRecord,
  by: RecoveryKeyRecord['confirmed_by'],
): Promise<void> {
  const now = new Date().toISOString()
  await writeRecoveryKeyRecord(settings.config(), {
    ...record,
    announced_at: record.announced_at ?? now,
    confirmed_at: by === null ? null : now,
    confirmed_by: by,
  })
}

async function secretIn({ file, recipient }: RecoveryKey): Promise<string | undefined> {
  if (!(await isThere(file))) return undefined
  const [identity = '', ...others] = await readIdentityFile(file)
  return others.length === 0 && (await recipientOf(identity)) === recipient ? identity : undefined
}
