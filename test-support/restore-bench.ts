import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BackupDetails, BackupPart } from '@telegram-backup/database'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { expect } from 'vitest'
import { cliEnvironment } from '#cli-environment.ts'
import { type CliRun, runCli } from '#run-cli.ts'
import { openTamperedChat, type TamperedChat } from '#tampered-chat.ts'
import { openTestVault, type TestVault } from '#vault.ts'

/** A vault, a proxy before it, and the command line. */
export interface RestoreBench {
  vault: TestVault
  chat: TamperedChat
  env: Record<string, string>
  cli(
    args: readonly string[],
    options?: { onStart?: (pid: number) => void; env?: Record<string, string> },
  ): Promise<CliRun>
  /** Sends, and returns the backup as `show` prints it. */
  send(...args: string[]): Promise<BackupDetails>
  show(id: string): Promise<BackupDetails>
  close(): Promise<void>
}

export async function openRestoreBench(): Promise<RestoreBench> {
  const vault = await openTestVault()
  const chat = await openTamperedChat(vault.emulator.url)
  const env = { ...(await cliEnvironment(vault)), TELEGRAM_API_ROOT: chat.url }
  const cli: RestoreBench['cli'] = (args, options = {}) =>
    runCli(args, { ...options, env: { ...env, ...options.env } })
  const show = async (id: string): Promise<BackupDetails> =>
    (await cli(['show', id, '--json'])).json() as BackupDetails
  return {
    vault,
    chat,
    env,
    cli,
    show,
    send: async (...args) => {
      const sent = await cli(['send', '--project', 'shop', '--type', 'database', '--json', ...args])
      expect(sent.code, sent.stderr).toBe(0)
      return show((sent.json() as IntegratedBackupResult).databaseRecord?.id ?? '')
    },
    close: async () => {
      await chat.close()
      await vault.close()
    },
  }
}

/** One way to damage a backup in the chat. */
export interface Damage {
  name: string
  /** The part that the error must name. */
  part: number
  inflict(chat: TamperedChat): void
}

/** Every kind of damage, for each part that it can affect. */
export async function damagesOf(
  vault: TestVault,
  backup: BackupDetails,
  other: BackupDetails,
): Promise<Damage[]> {
  const bytesOf = (part: BackupPart | undefined): Promise<Buffer> =>
    vault.emulator.inspect.documentBytes(vault.chatId, part?.message_id ?? 0)
  const { parts } = backup
  const all = await Promise.all(parts.map(bytesOf))
  const foreign = await bytesOf(other.parts[1])
  const flipped = (bytes: Buffer, at: number): Buffer => {
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] ?? 0) ^ 1
    return copy
  }
  const last = parts.length - 1
  return [
    ...all.map((bytes, index) => ({
      name: `a bit flipped in part ${index + 1}`,
      part: index + 1,
      inflict: (chat: TamperedChat) =>
        chat.replace(
          hashOf(bytes),
          flipped(bytes, Math.floor((bytes.length * (index + 1)) / (parts.length + 1))),
        ),
    })),
    ...[0, 1, last].map(index => ({
      name: index === last ? 'the last part missing' : `part ${index + 1} missing`,
      part: index + 1,
      inflict: (chat: TamperedChat) =>
        chat.remove({
          fileUniqueId: parts[index]?.file_unique_id ?? '',
          messageId: parts[index]?.message_id ?? 0,
        }),
    })),
    {
      name: 'two parts exchanged',
      part: 2,
      inflict: chat => {
        chat.replace(hashOf(all[1]), all[2])
        chat.replace(hashOf(all[2]), all[1])
      },
    },
    {
      name: 'another backup’s part',
      part: 2,
      inflict: chat => chat.replace(hashOf(all[1]), foreign),
    },
    {
      name: 'the last part cut short',
      part: last + 1,
      inflict: chat => chat.replace(hashOf(all[last]), all[last]?.subarray(0, -1)),
    },
  ]
}

function hashOf(bytes: Buffer | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex')
}

export async function waitUntil(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 10))
}

/** The processes whose arguments hold a text, such as the database or folder of a restore. */
export async function processesWith(text: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,args='])
  return stdout.split('\n').filter(line => line.includes(text) && !line.includes('vitest'))
}

/** A key that cannot decrypt the backups. */
export async function otherKey(bench: RestoreBench): Promise<Record<string, string>> {
  const path = join(bench.vault.folder, `other-key-${Math.random()}.txt`)
  expect((await bench.cli(['keygen', '--out', path])).code).toBe(0)
  return { BACKUP_AGE_IDENTITY_FILE: path }
}
