import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyFileText } from '#age-keys.ts'
import { createFile } from '#durable-files.ts'
import { readRecoveryKeyRecord, writeRecoveryKeyRecord } from '#recovery-key.ts'
import { confirmRecoveryKey } from '#setup/confirm-stage.ts'
import { Settings } from '#setup/settings.ts'
import type { Setup } from '#setup/setup.ts'

// The only copy of a recovery key must outlive every order of runs.

const FILE = 'backup-key.txt'
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'confirm-stage-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** A key file, and the record that a person has confirmed it, or another key. */
async function confirmed(of: { isOther?: boolean; at?: Date } = {}) {
  const key = await generateIdentity()
  const file = join(folder, FILE)
  await createFile(file, keyFileText(key))
  const at = (of.at ?? new Date(Date.now() + 1000)).toISOString()
  const { recipient } = of.isOther ? await generateIdentity() : key
  await writeRecoveryKeyRecord(
    { stateFolder: folder },
    { recipient, file, made_at: at, announced_at: at, confirmed_at: at, confirmed_by: 'said' },
  )
  return { recipient: key.recipient, file, isNew: false }
}

async function setup(isKeySaved: boolean): Promise<Setup> {
  const environment = { TELEGRAM_BACKUP_HOME: folder, TELEGRAM_BACKUP_ENV_FILE: 'off' }
  return {
    answers: { places: [], isKeySaved, wantsDrillKey: false, wantsService: false },
    ask: undefined,
    hooks: { signal: new AbortController().signal, note: () => {}, onStage: () => {}, onWait: () => {} },
    folder,
    settings: await Settings.open(environment, { folder }),
  }
}

describe('the file of a recovery key', () => {
  it('is removed by the run after one that confirmed the key and was killed', async () => {
    expect(await confirmRecoveryKey(await setup(false), await confirmed())).toMatchObject({
      result: { isConfirmed: true, file: undefined },
    })
    expect(await readdir(folder)).not.toContain(FILE)
  })

  it.each([true, false])('stays when it was put back after that (--key-saved: %s)', async isKeySaved => {
    const key = await confirmed({ at: new Date(Date.now() - 60_000) })
    for (const _ of [1, 2]) {
      expect(await confirmRecoveryKey(await setup(isKeySaved), key)).toMatchObject({
        result: { isConfirmed: true, file: key.file },
      })
      expect(await readdir(folder)).toContain(FILE)
    }
  })

  it.each([true, false])('stays when it is another key that was confirmed (%s)', async isKeySaved => {
    const key = await confirmed({ isOther: true })
    const record = await readRecoveryKeyRecord({ stateFolder: folder })
    expect(await confirmRecoveryKey(await setup(isKeySaved), key)).toMatchObject({
      state: 'open',
      result: { isConfirmed: false, file: key.file },
    })
    expect(await readdir(folder)).toContain(FILE)
    expect(await readRecoveryKeyRecord({ stateFolder: folder })).toEqual(record)
  })
})
