import type { Engine } from '@telegram-backup/engine/engine.ts'
import type { Drills } from '@telegram-backup/engine/operations/drill.ts'
import type { VerifyOutcome } from '@telegram-backup/engine/operations/verify.ts'
import { shownName } from '@telegram-backup/engine/units/names.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  type BackupIdOptions,
  backupWords,
  type CommandContext,
  describeCommand,
  OPTIONAL_BACKUP_ID,
  type RegisterCommand,
  usageError,
  withEngine,
} from '#commands/command.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'
import { countFact, describeWork } from '#commands/progress-facts.ts'
import { secondsSince } from '#commands/run-progress.ts'
import { linesOf } from '#commands/terminal-text.ts'
import { VerifyFollower } from '#commands/verify-progress.ts'

interface DrillOptions {
  drill?: boolean
  on?: string
  createRoles?: boolean
  trustDump?: boolean
}

interface VerifyOptions extends DrillOptions, BackupIdOptions {
  all?: boolean
  project?: string
  type?: string
  readData?: boolean
  bucket?: string
  json?: boolean
}

/**
 * `verify [ID]`: checks that every message exists; with `--read-data`, that every byte is the one that was
 * sent.
 */
export const registerVerify: RegisterCommand = (program, run) => {
  describeCommand(program.command('verify'), {
    takesLocks: true,
    description:
      'check backups in the chat. Without options: every message exists. --read-data: every byte is the one that was sent, and with the key file, every byte decrypts. --drill also restores to a temporary place, compares, and removes it. Lost or damaged messages are repaired from the second chat, if there is one',
    argument: OPTIONAL_BACKUP_ID,
    options: {
      '--all': 'verify every complete backup and, without --type, every bucket',
      '--project <id>': 'verify only backups of this project',
      '--type <type>': 'verify only backups of this type: database, storage or logs',
      '--read-data': 'fetch and check every byte',
      '--bucket <name>':
        'check a bucket instead of backups: every message of its packs; with --read-data every byte, and every object if there is a key file',
      '--drill':
        'check every byte, restore to a temporary place, and compare with the source as it was: a hash of the rows of each table, sequences and objects, or each file of a directory',
      '--on <server>':
        'run the drill on this server: a PostgreSQL URL or a target of telegram-backup.yaml. The drill creates a temporary database there and drops it (default: a temporary server on this machine)',
      '--create-roles': 'with --on: create roles that the server lacks, and drop them afterwards',
      '--trust-dump':
        'without --on: restore as a superuser, for objects that need one. Code in the dump then runs as superuser: use this only if you trust everybody who can change that database',
    },
    examples: [
      'telegram-backup verify 3f0c2c1e',
      'telegram-backup verify latest --read-data',
      'telegram-backup verify --all --project shop --read-data --json',
      'telegram-backup verify --bucket laptop --read-data',
      'telegram-backup verify 3f0c2c1e --drill',
      'telegram-backup verify 3f0c2c1e --drill --on postgresql://owner@scratch.internal/postgres',
    ],
  }).action((id: string | undefined, options: VerifyOptions) =>
    run(async context => {
      const { output, signal, note } = context
      if (options.bucket !== undefined) {
        assertBucketAlone(id, options)
        const { verifyNamedBucket } = await import('#commands/verified-buckets.ts')
        return await verifyNamedBucket(context, options.bucket, { readData: options.readData === true })
      }
      const isMany = isForMany(id, options)
      const words = backupWords(id ?? '', options)
      assertMeantForDrill(options)
      const { completeBackups, verify } = await import('@telegram-backup/engine/operations/verify.ts')
      const { findBackup } = await import('@telegram-backup/engine/operations/find-backup.ts')
      const { describeAllVerified, describeVerified, shownVerification, verifiedBackup, verifyExitCode } =
        await import('#commands/verify-report.ts')
      return await withEngine(context, async engine => {
        const backups = isMany
          ? await completeBackups(engine.database, options)
          : [await findBackup(engine.database, words, context)]
        const readData = options.readData === true || options.drill === true
        const { messagesPerMinute } = engine.client
        const follower = new VerifyFollower({ backups, readData, messagesPerMinute })
        const of = { engine, options, follower }
        const drills = options.drill === true ? await drillsFor(context, of) : undefined
        const line = output.progressLine()
        const startMs = performance.now()
        const outcomes = await verify(
          engine,
          { backups, readData, drills, isMany },
          {
            signal,
            note,
            onProgress: (progress, { index }) => {
              follower.follow(progress, index)
              line.update(() => follower.facts())
            },
            onRead: () => line.end(),
          },
        )
        const [first] = outcomes
        if (!isMany && first !== undefined && 'error' in first) throw first.error
        const buckets = await bucketsOfAll(context, engine, { ...options, readData })
        const verified = outcomes.map(verifiedBackup)
        const success = verified.every(one => one.success) && buckets.isSound
        const exitCode = worstOf([
          verified.length === 0 ? ExitCode.DONE : verifyExitCode(verified),
          buckets.exitCode,
        ])
        const isDone = exitCode === ExitCode.DONE
        const took = checkedWords(outcomes, { readData, seconds: secondsSince(startMs) })
        if (!isMany && first !== undefined)
          output.outcome(
            verifiedBackup(first),
            () => `${describeVerified(shownVerification(first))}\n${took}`,
            { isDone },
          )
        else {
          const skipped = verified.filter(({ state }) => state === 'skipped').length
          output.outcome(
            { success, ...(skipped > 0 && { skipped }), backups: verified, ...buckets.json },
            () =>
              linesOf([
                ...(verified.length === 0
                  ? ['No complete backup matches.']
                  : [describeAllVerified(outcomes.map(shownVerification), output), took]),
                ...buckets.lines,
              ]),
            { isDone },
          )
        }
        return exitCode
      })
    }, options),
  )
}

/** What `--all` says of buckets. A type is one of backups: with `--type` nothing is said of buckets. */
async function bucketsOfAll(
  context: CommandContext,
  engine: Engine,
  { all, type, project, readData }: VerifyOptions & { readData: boolean },
): Promise<{ isSound: boolean; exitCode: ExitCode; json: Record<string, unknown>; lines: string[] }> {
  if (all !== true || type !== undefined)
    return { isSound: true, exitCode: ExitCode.DONE, json: {}, lines: [] }
  const { bucketsExitCode, describeBuckets, verifiedBucket, verifyBucketsOf } = await import(
    '#commands/verified-buckets.ts'
  )
  const outcomes = await verifyBucketsOf(context, engine, { project, readData })
  const buckets = outcomes.map(verifiedBucket)
  return {
    isSound: buckets.every(({ success }) => success),
    exitCode: bucketsExitCode(outcomes),
    json: { buckets },
    lines: outcomes.length === 0 ? [] : [describeBuckets(outcomes)],
  }
}

/** Damage says more than what could not be looked at. */
function worstOf(codes: readonly ExitCode[]): ExitCode {
  for (const code of [ExitCode.INTEGRITY, ExitCode.PARTIAL]) if (codes.includes(code)) return code
  return codes.find(code => code !== ExitCode.DONE) ?? ExitCode.DONE
}

function assertBucketAlone(id: string | undefined, options: VerifyOptions): void {
  const { all, project, type, before, tag, drill } = options
  if ([id, all, project, type, before, tag, drill].every(one => one === undefined)) return
  throw usageError('--bucket goes with --read-data alone', 'Verify backups and buckets one after the other.')
}

function isForMany(id: string | undefined, { all, project, type, before, tag }: VerifyOptions): boolean {
  const filters = all === true || project !== undefined || type !== undefined
  if (id !== undefined && filters) {
    throw usageError('An id cannot be combined with --all, --project or --type', 'Give the id alone.')
  }
  if (id === undefined && !filters) {
    throw usageError('No backup was named', 'Give an id, from "telegram-backup list", or latest, or --all.')
  }
  if (id === undefined && (before !== undefined || tag !== undefined)) {
    throw usageError('--before and --tag go with latest', 'Name the backup: latest, or latest:SOURCE.')
  }
  return id === undefined
}

/** Throws `USAGE` for an option without the option that it needs. */
function assertMeantForDrill({ drill, on, createRoles, trustDump }: DrillOptions): void {
  const given = [
    ...(on === undefined ? [] : ['--on']),
    ...(createRoles === true ? ['--create-roles'] : []),
    ...(trustDump === true ? ['--trust-dump'] : []),
  ]
  if (drill !== true && given.length > 0) {
    throw usageError(`${given[0]} needs --drill`, 'Give --drill as well, or leave it out.')
  }
  if (trustDump === true && on !== undefined) {
    throw usageError(
      '--trust-dump cannot be combined with --on: there, the role of the URL restores',
      'Leave out one of the two.',
    )
  }
  if (createRoles === true && on === undefined) {
    throw usageError(
      '--create-roles needs --on: the temporary server of a drill gets all roles anyway',
      'Leave it out.',
    )
  }
}

async function drillsFor(
  { output, signal, note }: CommandContext,
  of: { engine: Engine; options: DrillOptions; follower: VerifyFollower },
): Promise<Drills> {
  const { engine, options, follower } = of
  const { openDrills } = await import('@telegram-backup/engine/operations/drill.ts')
  const line = output.progressLine()
  const { end, ...hooks } = fetchProgress(line, () => follower.which())
  const request = {
    on: options.on,
    createRoles: options.createRoles === true,
    trustDump: options.trustDump === true,
  }
  return await openDrills(engine, request, {
    ...hooks,
    ...{ signal, note, onEnd: end },
    onCompare: ({ done, of, object }) =>
      line.update(() => [
        ...follower.which(),
        countFact(done, of, 'table'),
        { text: `compared, now ${shownName(object)}`, rank: 5 },
      ]),
  })
}

/** `Checked 143.0 MiB in 5.1 s, 28.0 MiB/s, 9 messages.` */
function checkedWords(
  outcomes: readonly VerifyOutcome[],
  { readData, seconds }: { readData: boolean; seconds: number },
): string {
  const reports = outcomes.flatMap(outcome => ('report' in outcome ? outcome.report : []))
  const messages = reports.reduce((sum, { parts }) => sum + parts, 0)
  const bytes = readData ? reports.reduce((sum, report) => sum + report.bytes, 0) : undefined
  return `Checked ${describeWork({ bytes, seconds, items: [messages, 'message'] })}.`
}
