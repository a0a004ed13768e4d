import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import { type Database, deleteBackup, listMessages } from '@telegram-backup/database'
import { holdCall } from '@telegram-backup/test-support/jobs-world.ts'
import { type CliRun, runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openCatalogOf, openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Output } from '#commands/output.ts'
import { plain } from '#commands/terminal-text.ts'
import {
  describeAllVerified,
  describeVerified,
  type ShownVerification,
  type VerifiedBackup,
} from '#commands/verify-report.ts'
import { callCli } from '#test/call-cli.ts'

const pipe = { write: () => {} }
const output = new Output({ json: false, stdout: pipe, stderr: pipe })
const allVerified = (all: readonly ShownVerification[]) => plain(describeAllVerified(all, output))

let vault: TestVault
let database: Database
let chat: TestChat
let id: string
let path: string

beforeAll(async () => {
  vault = await openTestVault()
  database = await openCatalogOf((await openChat(vault)).env)
  path = join(vault.folder, 'a.bin')
  await writeFile(path, randomBytes(150_000))
})

beforeEach(async () => {
  await database.kysely.updateTable('backups').set({ state: 'failed', completed_at: null }).execute()
  chat = await openChat(vault)
  id = await send()
})

afterAll(async () => {
  await database.close()
  await vault.close()
})

const cli = (args: readonly string[], env: Record<string, string> = {}): Promise<CliRun> =>
  callCli(args, { env: { ...chat.env, ...env } })

async function send(): Promise<string> {
  const run = await cli(['send', '--project', 'shop', '--type', 'storage', '--file', path, '--json'])
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
  return (run.json() as IntegratedBackupResult).databaseRecord?.id ?? ''
}

const ofBackup = () => ({
  ...{ id, project_id: 'shop', type: 'storage', created_at: new Date() },
  ...{ parts: 2, bytes: 9, missing_files: 0 },
})

async function deletePart(backupId: string, partNumber: number): Promise<void> {
  const row = (await listMessages(database, backupId)).find(({ part_no }) => part_no === partNumber)
  vault.emulator.asHuman.deleteMessage(chat.chatId, row?.message_id ?? 0)
}

describe('verify', () => {
  it('of a sound backup ends with 0; one object, and words', async () => {
    const run = await cli(['verify', id.slice(0, 8), '--read-data', '--json'])
    expect(run.code).toBe(0)
    expect(run.json()).toMatchObject({
      ...{ success: true, id, state: 'sound', depth: 'plain bytes', findings: [], unproven: [] },
    })
    const words = await cli(['verify', id])
    expect(words).toMatchObject({ code: 0, stdout: expect.stringContaining(`Backup ${id} is sound`) })
    expect((await cli(['list'])).stdout).toMatch(/ \d+ min ago/)
  })

  it('of a damaged one ends with 5, and all who show it say so', async () => {
    const other = await send()
    await deletePart(id, 2)
    const run = await cli(['verify', id, '--json'])
    expect(run.code).toBe(5)
    expect(run.json()).toMatchObject({
      ...{
        success: false,
        state: 'damaged',
        code: 'INTEGRITY',
        hint: expect.stringContaining('second chat'),
      },
      findings: [{ kind: 'part', part_no: 2, finding: 'missing' }],
    })
    const all = await cli(['verify', '--all', '--project', 'shop', '--json'])
    expect(all.code).toBe(5)
    const { success, backups } = all.json() as {
      success: boolean
      backups: { id: string; success: boolean }[]
    }
    expect([success, backups.map(one => [one.id, one.success])]).toEqual([
      false,
      [
        [other, true],
        [id, false],
      ],
    ])
    const asked = (await cli(['verify', '--all'])).stdout
    expect(asked).toMatch(
      /2 backups: 1 sound, 1 damaged, 0 not verified\nChecked only that the messages exist/,
    )
    // Nothing was read.
    expect(asked).toMatch(/ sound +\d+ +[^\d\s]+$/m)
    expect((await cli(['list'])).stdout).toContain('complete, DAMAGED')
    const shown = (await cli(['show', id, '--json'])).json()
    expect(shown).toMatchObject({
      verifications: [{ state: 'damaged' }, { state: 'damaged' }, { state: 'damaged' }],
    })
    expect((await cli(['show', id])).stdout).toMatch(/existence +DAMAGED/)
    expect((await cli(['stats', '--json'])).json()).toMatchObject({ total_backups: 2, damaged: 1 })
    const fetched = await cli(['fetch', id, '--out', join(vault.folder, 'out.bin')])
    expect(fetched.stderr).toMatch(/^warning: it was found damaged on /)
    // A file id outlives its message: that its bytes come tells nothing of what is in the chat.
    expect(fetched).toMatchObject({ code: 0, stderr: expect.stringContaining('still counts as damaged') })
    expect((await cli(['stats', '--json'])).json()).toMatchObject({ damaged: 1 })
  })

  it('with a key that fits nothing ends with 5, and holds nothing against the backup', async () => {
    const key = join(vault.folder, 'other-key.txt')
    await writeFile(key, `${(await generateIdentity()).identity}\n`, { mode: 0o600 })
    const run = await cli(['verify', id, '--read-data', '--json'], { BACKUP_AGE_IDENTITY_FILE: key })
    expect(run.code).toBe(5)
    expect(run.json()).toMatchObject({
      state: 'sound',
      depth: 'sent bytes',
      unproven: [{ code: 'WRONG_KEY' }],
    })
    expect((await cli(['stats', '--json'])).json()).toMatchObject({ damaged: 0 })
  })

  it('says what kept it from being opened: what is wrong with it, or the key', async () => {
    const read = { ...ofBackup(), depth: 'sent bytes' as const, findings: [], unproven: [] }
    const damaged = describeVerified({ ...read, success: false, state: 'damaged' })
    expect(damaged).toContain('not decrypted, because of the damage')
    const unproven = [{ chat_id: '1', code: 'WRONG_KEY', reason: 'no key fits' }]
    const locked = describeVerified({ ...read, success: false, state: 'sound', unproven })
    expect(locked).toMatch(/is sound as far as it could be verified.*no matching key/)
  })

  it('counts failed drills apart from the results of reading bytes', () => {
    const sound = {
      ...ofBackup(),
      state: 'sound' as const,
      depth: 'plain bytes' as const,
      findings: [],
      unproven: [],
    }
    const ended = {
      ...{ where: 'a folder of its own', notes: [], not_covered: [], seconds: 1 },
      phases: { fetch_seconds: 0.2, open_seconds: 0.1, restore_seconds: 0.5, compare_seconds: 0.2 },
      depth: 'contents' as const,
      compared: { members: 2, contents: 'equal' as const },
    }
    const drill = { ...ended, verification_id: id, state: 'passed' as const, differences: [] }
    const passed = { ...sound, success: true, drill }
    const failed = {
      ...{ ...sound, success: false },
      drill: { state: 'failed' as const, code: 'EXTRACTION', error: 'tar cannot compare it' },
    }
    const differs = { ...sound, success: false, drill: { ...drill, state: 'differs' as const } }
    expect(allVerified([passed, failed])).toMatch(/^2 backups: 2 sound,.* 0 not verified, 1 drill failed$/m)
    expect(allVerified([failed, differs])).toMatch(/ 0 not verified, 2 drills failed$/m)
    expect(allVerified([passed])).toMatch(/ 0 not verified$/m)
  })

  it('says of a backup that is not whole what it lacks, whatever comes of it', () => {
    const found = { ...ofBackup(), missing_files: 1, missing: '1 file missing' }
    const sound = { ...found, depth: 'plain bytes' as const, findings: [], unproven: [], success: true }
    const all = (['sound', 'damaged', 'failed', 'skipped'] as const).map(state => ({ ...sound, state }))
    for (const one of all) {
      const words = describeVerified(one)
      expect(words).toContain(`Backup ${id} (complete, 1 file missing) `)
    }
    const table = allVerified(all)
    for (const result of ['sound', 'DAMAGED', 'failed', 'skipped'])
      expect(table).toMatch(new RegExp(` ${result}, 1 file missing +2 `))
  })

  it('of many is no failure for those that are erased before their turn, or while they are read', async () => {
    const waiting = id
    const [sound, read] = [await send(), await send()]
    const held = holdCall(vault, { method: 'forwardmessage', phase: 'arrived', nth: 1 })
    // In a process of its own, beside which others go on.
    const verifying = runCli(['verify', '--all', '--read-data', '--json'], { env: chat.env })
    await held.reached
    expect(await cli(['erase', waiting])).toMatchObject({ code: 0 })
    // One that has no chat at hand marks only, also what somebody reads.
    expect(await deleteBackup(database, read)).toBe(true)
    await deletePart(read, 2)
    held.release()
    const run = await verifying
    const gone = { state: 'skipped', reason: 'erased meanwhile', success: true, findings: [] }
    expect(run.json()).toMatchObject({
      ...{ success: true, skipped: 2 },
      backups: [
        { id: read, ...gone },
        { id: sound, state: 'sound', success: true },
        { id: waiting, ...gone },
      ],
    })
    expect(run.code).toBe(0)
    const { backups } = run.json() as { backups: VerifiedBackup[] }
    const words = allVerified(backups.map(one => ({ ...one, created_at: new Date(one.created_at) })))
    expect(words).toContain('3 backups: 1 sound, 0 damaged, 0 not verified, 2 skipped')
    expect(words).toContain(`${waiting}: skipped: erased meanwhile`)
    // Whoever names one wants to know.
    const named = await cli(['verify', waiting, '--json'])
    expect(named).toMatchObject({ code: 4 })
    expect(named.json()).toMatchObject({ success: false, code: 'NOT_FOUND' })
  })

  it('that cannot reach the chat ends with 3 for many, and finds nothing', async () => {
    const [bot] = vault.emulator.inspect.bots()
    if (bot === undefined) throw new Error('no bot')
    vault.emulator.asHuman.kick(chat.chatId, bot)
    const run = await cli(['verify', '--all', '--json'])
    expect(run.code).toBe(3)
    expect(run.json()).toMatchObject({ success: false, backups: [{ id, state: 'failed' }] })
    expect((await cli(['stats', '--json'])).json()).toMatchObject({ damaged: 0 })
  })

  it('of what is not there ends with 4, and of nothing named with 2', async () => {
    expect((await cli(['verify', '00000000-0000-4000-8000-000000000000'])).code).toBe(4)
    expect((await cli(['verify'])).code).toBe(2)
    expect((await cli(['verify', id, '--all'])).code).toBe(2)
    expect((await cli(['verify', '--all', '--type', 'logs', '--json'])).json()).toEqual({
      success: true,
      backups: [],
    })
  })
})
