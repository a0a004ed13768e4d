import { lstat } from 'node:fs/promises'
import type { BackupDetails, Database } from '@telegram-backup/database'
import { countMissingFiles } from '@telegram-backup/database/missing-files'
import type { Fetched } from '@telegram-backup/engine/operations/fetch.ts'
import { formatBytes, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { base64Of, escapeName, memberPathBytes, unescapeName } from '@telegram-backup/engine/units/names.ts'
import { openBackupService, openTelegram } from '@telegram-backup/engine/wiring.ts'
import { describeError, ExitCode } from '@telegram-backup/errors'
import { callLog } from '#commands/call-log.ts'
import {
  BACKUP_ID,
  type BackupIdOptions,
  backupWords,
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  readCatalog,
  usageError,
  withCatalogWhenWanted,
} from '#commands/command.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'
import { notWholeLines } from '#commands/not-whole.ts'
import type { Output } from '#commands/output.ts'
import { describeWork } from '#commands/progress-facts.ts'
import { secondsSince } from '#commands/run-progress.ts'

interface FetchOptions extends BackupIdOptions {
  out?: string
  path?: string
  list?: boolean
  null?: boolean
  json?: boolean
}

/** `fetch ID`: fetches the verified plain bytes, or one file of a directory backup. */
export const registerFetch: RegisterCommand = (program, run) => {
  describeCommand(program.command('fetch'), {
    description:
      'fetch a backup as a plain file; every part is verified, and the file appears only when it is complete',
    argument: BACKUP_ID,
    options: {
      '--out <file>':
        'the file to write; "-" is standard output; write a name that is not UTF-8 as "ls -b" prints it',
      '--path <path>':
        'fetch only this file of a directory backup, named as --list prints it; only the parts that hold it are fetched',
      '--list': 'list the files of a directory backup, and fetch nothing; names are written as by "ls -b"',
      '-0, --null': 'with --list: print only the names, as raw bytes, each ended by a zero byte',
    },
    examples: [
      'telegram-backup fetch latest:shop --out shop.sql          # the newest backup of the source shop',
      'telegram-backup fetch 3f0c2c1e --out - | less',
      'telegram-backup fetch 8d1b0a42 --list | grep nginx',
      'telegram-backup fetch 8d1b0a42 --path etc/nginx/nginx.conf --out nginx.conf',
    ],
  }).action((id: string, options: FetchOptions) =>
    run(async context => {
      checkOptions(options)
      const words = backupWords(id, options)
      const { findBackup } = await import('@telegram-backup/engine/operations/find-backup.ts')
      const { result: backup, closed } = await readCatalog(context, async database => {
        const found = await findBackup(database, words, context)
        if (!options.list) await noteFetched(context, database, found, options)
        return found
      })
      try {
        await fetchBackup(context, backup, options)
      } finally {
        await closed
      }
      return ExitCode.DONE
    }, options),
  )
}

/** A catalog that cannot be written, such as on a full disk, must not keep anybody from a backup. */
async function noteFetched(
  { note }: CommandContext,
  database: Database,
  backup: BackupDetails,
  { path }: FetchOptions,
): Promise<void> {
  const { noteFetch } = await import('@telegram-backup/engine/operations/fetch.ts')
  await noteFetch(database, backup, { path }).catch((error: unknown) =>
    note(`warning: the audit does not have this fetch: ${describeError(error).message}`),
  )
}

async function fetchBackup(
  context: CommandContext,
  backup: BackupDetails,
  options: FetchOptions,
): Promise<void> {
  const { output, config, signal, note } = context
  const { fetch, listMembers } = await import('@telegram-backup/engine/operations/fetch.ts')
  if (backup.damaged_at !== null) {
    note(`warning: it was found damaged on ${formatTime(backup.damaged_at)}`)
  }
  for (const line of notWholeLines(backup, 'warning:')) note(line)
  const client = await openTelegram(config, callLog(output))
  const service = await openBackupService(config, client)
  await withCatalogWhenWanted(context, async catalog => {
    const from = { config, client, service, catalog, signal, note }
    if (options.list) {
      return await printMembers(context, await listMembers(backup, from), { isRaw: options.null === true })
    }
    const { out = '', path } = options
    const to = out === '-' ? context.host.stdout : await placeToWrite(out)
    const progress = fetchProgress(output.progressLine())
    const startMs = performance.now()
    const fetched = await fetch({ backup, path, to }, { ...from, ...progress }).finally(progress.end)
    reportFetched(output, backup, { ...fetched, out, seconds: secondsSince(startMs) })
  })
}

function reportFetched(
  output: Output,
  backup: BackupDetails,
  { out, size, parts, path, seconds }: Fetched & { out: string; seconds: number },
): void {
  const took = describeWork({ bytes: size, seconds, items: [parts, 'part'] })
  if (out === '-') {
    output.step(`${took}, all verified`)
    return
  }
  if (path !== undefined) output.note(`${escapeName(path)}, out of ${backup.filename ?? backup.id}`)
  const facts = path === undefined ? { plain_sha256: backup.plain_sha256 } : { path, ...base64Of(path) }
  output.outcome(
    { id: backup.id, out, size, parts, ...facts, missing_files: countMissingFiles(backup) },
    () => `${out}: ${took}, all verified`,
  )
}

function checkOptions({ out, path, list, json, ...options }: FetchOptions): void {
  if (list && (out !== undefined || path !== undefined))
    throw usageError('--list cannot be combined with --out or --path')
  if (options.null && (!list || json)) throw usageError('-0 needs --list, and cannot be combined with --json')
  if (!list && out === undefined)
    throw usageError('No output file was given', 'Give --out FILE, or --out - for standard output.')
  // The bytes of the argument are lost: the file would get another name.
  if (out?.includes('\ufffd'))
    throw usageError(
      'The name of the output file is not UTF-8',
      'Write it as "ls -b" prints it, in single quotes.',
    )
  if (out === '-' && json)
    throw usageError('--json and --out - cannot be combined: both write to standard output')
}

/**
 * Reads a name that is written as `--list` prints it. Any other name, and that of an existing file, stands
 * for itself.
 */
async function placeToWrite(out: string): Promise<string> {
  const escaped = unescapeName(out)
  if (escaped === undefined || escaped.isWellFormed()) return out
  return (await lstat(out).catch(() => undefined)) ? out : escaped
}

interface Member {
  path: string
  size: number
  kind: string
}

/** @param options.isRaw print only the raw bytes of each name, and a zero byte after it */
async function printMembers(
  { host, output }: CommandContext,
  members: AsyncIterable<Member>,
  { isRaw }: { isRaw: boolean },
): Promise<void> {
  if (isRaw) {
    const { writeToStream } = await import('@telegram-backup/engine/restore/output-file.ts')
    await writeToStream(ended(members), host.stdout)
    return
  }
  const listed = await Array.fromAsync(members)
  output.answer(
    listed.map(({ path, size, kind }) => ({ path, ...base64Of(path), size, kind })),
    () =>
      listed
        .map(
          ({ path, size, kind }) =>
            `${(kind === 'file' ? formatBytes(size) : kind).padStart(12)}  ${escapeName(path)}`,
        )
        .join('\n'),
  )
}

async function* ended(members: AsyncIterable<Member>): AsyncGenerator<Buffer> {
  for await (const { path } of members) yield Buffer.concat([memberPathBytes(path), Buffer.from([0])])
}
