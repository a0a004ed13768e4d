import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backup } from '@telegram-backup/database'
import { noise } from '#golden/sources.ts'
import type { GoldenStage, RunOptions } from '#golden/stage.ts'

/** What a backup is in the golden state for; each has a name. */
export type Filled = Record<string, string>

const FOR_EVER = ['--expires', '2999-01-01']

/**
 * Makes the chat and the catalog, but for what `serve` does and for the send that is killed at the end. Gives
 * ids by name.
 */
export async function fillVault(stage: GoldenStage): Promise<Filled> {
  const ids: Filled = {}
  const send = async (name: string, args: readonly string[], options: RunOptions = {}): Promise<void> => {
    const { code, stdout, stderr } = await stage.run(['send', ...args, '--json'], options)
    if (code !== 0 && code !== 3) throw new Error(`send of ${name} ended with ${code}: ${stderr}`)
    ids[name] = (JSON.parse(stdout.toString()) as { databaseRecord: { id: string } }).databaseRecord.id
  }
  const storage = (project: string): string[] => ['--project', project, '--type', 'storage']
  // Too old to be deleted when it is erased: its messages become tombstones.
  await send('erased', [...storage('shop'), '--file', 'disk.img', ...FOR_EVER])
  await stage.letDaysPass()
  await send('plain database', ['--source', 'shop', ...FOR_EVER])
  await send('custom database', ['--source', 'shop', '--format', 'custom', ...FOR_EVER])
  await send('directory', ['--source', 'uploads', ...FOR_EVER])
  await send('directory with a file missing', [
    ...[...storage('partial'), '--directory', 'partial', '--allow', 'unreadable', ...FOR_EVER],
  ], { closedOut: true })
  const logs = ['--project', 'shop', '--type', 'logs', '--directory', 'logs']
  await send('logs', [...logs, '--include', '*.log', '--since', '24h', ...FOR_EVER])
  await send('pinned', [...storage('disks'), '--file', 'disk.img', '--caption', 'before the move', ...FOR_EVER])
  const stream = { input: noise('stream', 70_000) }
  await send('standard input', [...storage('streams'), '--filename', 'export.bin', ...FOR_EVER, '-'], stream)
  const soon = new Date(Date.now() + 60_000).toISOString()
  await send('expired', [...storage('streams'), '--filename', 'short.bin', '--expires', soon, '-'], stream)
  await stage.ask('erase', ids['erased'] ?? '', '--yes')
  await stage.ask('pin', ids['pinned'] ?? '')
  await stage.ask('retention', 'set', '--project', 'shop', '--type', 'logs', '--keep-last', '100')
  await failToSend(stage, ids)
  await comeBack(stage, ids)
  return ids
}

/** The chat refuses the second document: what was sent is taken back. */
async function failToSend(stage: GoldenStage, ids: Filled): Promise<void> {
  const refusal = { kind: 'error', errorCode: 400, description: 'Bad Request: not today' } as const
  stage.emulator.faults.on('sendDocument', { call: 2, calls: 100 }, refusal)
  await stage.run(['send', '--project', 'disks', '--type', 'storage', '--file', 'disk.img', '--json'])
  stage.emulator.faults.clear()
  ids['failed'] = await newest(stage, 'failed')
}

/** Restores and verifications, which the catalog remembers. */
async function comeBack(stage: GoldenStage, ids: Filled): Promise<void> {
  await stage.ask('restore', ids['plain database'] ?? '', '--to', stage.server.url('again'), '--yes')
  await stage.ask('restore', ids['directory'] ?? '', '--to', join(stage.folder, 'uploads-again'), '--yes')
  await stage.ask('verify', '--all')
  await stage.ask('verify', ids['directory'] ?? '', '--read-data')
  await stage.ask('verify', ids['plain database'] ?? '', '--drill')
}

/** Killed when two of its four parts are in the chat: nobody has settled that since. */
export async function breakOff(stage: GoldenStage, ids: Filled): Promise<void> {
  const args = ['send', '--project', 'disks', '--type', 'storage', '--file', 'disk.img', ...FOR_EVER]
  const { code } = await stage.run(args, { killedAtDocument: 2 })
  if (code !== null) throw new Error(`The send that was to be killed ended with ${code}`)
  ids['unfinished'] = await newest(stage, 'sending')
}

async function newest(stage: GoldenStage, state: string): Promise<string> {
  const [backup] = await stage.ask<Backup[]>('list', '--state', state)
  if (backup === undefined) throw new Error(`No backup is ${state}`)
  return backup.id
}

/**
 * SHA-256 of the plain bytes that each backup gives back, by name; those of files are compared with the
 * files.
 */
export async function fetchAll(stage: GoldenStage, ids: Filled): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const [name, id] of Object.entries(ids)) {
    if (['erased', 'failed', 'unfinished'].includes(name)) continue
    const { code, stdout, stderr } = await stage.run(['fetch', id, '--out', '-'])
    if (code !== 0) throw new Error(`fetch of ${name} ended with ${code}: ${stderr}`)
    hashes[name] = sha256(stdout)
  }
  const sent = { pinned: await readFile(join(stage.folder, 'disk.img')), expired: noise('stream', 70_000) }
  for (const [name, bytes] of Object.entries(sent))
    if (hashes[name] !== sha256(bytes)) throw new Error(`${name} did not come back as it was`)
  return hashes
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
