import { lstat } from 'node:fs/promises'
import type { BackupDetails } from '@telegram-backup/database'
import { countMissingFiles, notWholeLines } from '@telegram-backup/engine/backup/missing-files.ts'
import type { MemberFetchOptions } from '@telegram-backup/engine/restore/fetch-member.ts'
import { count, formatBytes, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { openBackupService, openTelegram } from '@telegram-backup/engine/wiring.ts'
import { BackupError, describeError, ExitCode } from '@telegram-backup/errors'
import {
  type CommandContext,
  findBackup,
  type RegisterCommand,
  readCatalog,
  withCatalog,
  withCommonOptions,
} from '#commands/command.ts'
import { listMembers } from '#commands/fetch-list.ts'
import { withPlaces } from '#commands/fetch-places.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'

interface FetchOptions {
  out?: string
  path?: string
  list?: boolean
  null?: boolean
  json?: boolean
}

/** `fetch ID`: the plain bytes back, or one file out of a directory backup; verified. */
export const registerFetch: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('fetch'), [
    'telegram-backup fetch 3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11 --out shop.sql',
    'telegram-backup fetch 3f0c2c1e --out - | less',
    'telegram-backup fetch 8d1b0a42 --list | grep nginx',
    'telegram-backup fetch 8d1b0a42 --path etc/nginx/nginx.conf --out nginx.conf',
  ])
    .description(
      'fetch a backup’s plain bytes back, every part verified; the file appears only when it is whole',
    )
    .argument('<id>', 'the backup’s id, from "telegram-backup list", or its first eight characters')
    .option('--out <file>', 'where to; "-" is standard output; a name that is not UTF-8 as "ls -b" prints it')
    .option(
      '--path <path>',
      'only this file of a directory backup, its name also as --list prints it; fetches only the parts that hold it',
    )
    .option('--list', 'list the files of a directory backup instead; names as "ls -b" writes them')
    .option('-0, --null', 'with --list: names alone, byte for byte, each ended by a zero byte')
    .action((id: string, options: FetchOptions) =>
      run(async context => {
        checkOptions(options)
        const { result: backup, closed } = await readCatalog(context, database => findBackup(database, id))
        try {
          await fetchBackup(context, backup, options)
        } finally {
          await closed
        }
        return ExitCode.DONE
      }, options),
    )
}

async function fetchBackup(
  context: CommandContext,
  backup: BackupDetails,
  options: FetchOptions,
): Promise<void> {
  const { output, config, signal } = context
  const { planFetch } = await import('@telegram-backup/vault/fetch/fetch-plan.ts')
  const { readIdentities } = await import('@telegram-backup/engine/restore/identities.ts')
  const { assertHoldsFiles } = await import('@telegram-backup/engine/restore/restore-target.ts')
  const { noteDamage } = await import('@telegram-backup/engine/restore/restore-record.ts')
  if (options.list || options.path !== undefined) assertHoldsFiles(backup)
  if (backup.damaged_at !== null) {
    output.note(`warning: it was found damaged on ${formatTime(backup.damaged_at)}`)
  }
  for (const line of notWholeLines(backup, 'warning:')) output.note(line)
  const plan = planFetch(backup)
  const identities = await readIdentities(config, plan.encrypted)
  const client = await openTelegram(config)
  const service = await openBackupService(config, client)
  try {
    await withPlaces(context, { plan, client }, async plan => {
      const from = { service, backup, plan, identities, signal }
      if (options.list) await listMembers(output, from, { isRaw: options.null === true })
      else await fetchToPlace(context, { ...options, out: options.out ?? '' }, from)
    })
  } catch (error) {
    if (describeError(error).code === 'INTEGRITY')
      await withCatalog(context, database => noteDamage(database, backup.id, error)).catch(() =>
        output.note('warning: the catalog could not be told of the damage'),
      )
    throw error
  }
}

function checkOptions({ out, path, list, json, ...options }: FetchOptions): void {
  const usage = (message: string, hint?: string): BackupError =>
    new BackupError(message, { code: 'USAGE', ...(hint === undefined ? {} : { hint }) })
  if (list && (out !== undefined || path !== undefined))
    throw usage('--list goes with neither --out nor --path')
  if (options.null && (!list || json)) throw usage('-0 goes only with --list, and not with --json')
  if (!list && out === undefined) throw usage('Where to?', 'Give --out FILE, or --out - for standard output.')
  // What was given is lost: the file would get another name.
  if (out?.includes('\ufffd'))
    throw usage('The name to write is not UTF-8', 'Write it as "ls -b" prints it, in single quotes.')
  if (out === '-' && json) throw usage('--json and --out - both want standard output')
}

async function fetchToPlace(
  context: CommandContext,
  options: FetchOptions & { out: string },
  from: MemberFetchOptions,
): Promise<void> {
  const out = await placeToWrite(options.out)
  const fetched = await (options.path === undefined
    ? fetchWhole(context, out, from)
    : fetchOne(context, { out, path: options.path }, from))
  if (options.out === '-') return
  const { size, parts, ...facts } = fetched
  context.output.answer(
    {
      ...{ id: from.backup.id, out: options.out, size, parts, ...facts },
      missing_files: countMissingFiles(from.backup),
    },
    () => `${options.out}: ${formatBytes(size)} from ${count(parts, 'part')}, all verified`,
  )
}

/** A name with a byte that no argument can say, written as `--list` does; any other stands for itself, as does a file that is there. */
async function placeToWrite(out: string): Promise<string> {
  const { unescapeName } = await import('@telegram-backup/archive')
  const escaped = unescapeName(out)
  if (escaped === undefined || escaped.isWellFormed()) return out
  return (await lstat(out).catch(() => undefined)) ? out : escaped
}

interface Fetched {
  size: number
  parts: number
  plain_sha256?: string | null
  path?: string
  path_base64?: string
}

async function fetchWhole(context: CommandContext, out: string, from: MemberFetchOptions): Promise<Fetched> {
  const { backup, plan, service } = from
  const { writeFileBy, writeToStream } = await import('@telegram-backup/engine/restore/output-file.ts')
  const { markSound } = await import('@telegram-backup/database')
  const progress = fetchProgress(context.output.progressLine(), plan, backup.size)
  const options = { ...plan, ...from, onPart: progress.onPart }
  const size = await (out === '-'
    ? writeToStream(progress.counting(service.fetchBackup(options)), process.stdout)
    : writeFileBy(
        async fd =>
          (await service.fetchBackupInto(fd, { ...options, onProgress: progress.onBytes })).plainSize,
        out,
      )
  ).finally(() => progress.end())
  if (backup.damaged_at !== null) await forgetDamage(context, backup, markSound)
  return { size, parts: plan.parts.length, plain_sha256: backup.plain_sha256 }
}

/** Every byte was read and was sound: what an earlier reading has found is taken back; of the messages this one tells nothing. */
async function forgetDamage(
  context: CommandContext,
  backup: BackupDetails,
  markSound: typeof import('@telegram-backup/database').markSound,
): Promise<void> {
  const { output } = context
  try {
    const isSound = await withCatalog(context, database => markSound(database, backup.id, 'file ids'))
    if (isSound) return
    output.note('its bytes are right, but not all of its messages were: the backup still counts as damaged')
    output.note(`only "telegram-backup verify ${backup.id} --read-data" can take that back`)
  } catch {
    output.note('warning: the catalog still holds the backup for damaged')
  }
}

async function fetchOne(
  context: CommandContext,
  to: { out: string; path: string },
  from: MemberFetchOptions,
): Promise<Fetched> {
  const { MemberFetch } = await import('@telegram-backup/engine/restore/fetch-member.ts')
  const { base64Of, escapeName } = await import('@telegram-backup/archive')
  const { writeToFile, writeToStream } = await import('@telegram-backup/engine/restore/output-file.ts')
  const { path, parts, bytes, stamp } = await new MemberFetch(from).open(to.path)
  const size = await (to.out === '-'
    ? writeToStream(bytes, process.stdout)
    : writeToFile(bytes, to.out, stamp))
  if (to.out !== '-')
    context.output.note(`${escapeName(path)}, out of ${from.backup.filename ?? from.backup.id}`)
  return { size, parts, path, ...base64Of(path) }
}
