import type { EvidenceDetails, EvidenceSummary } from '@telegram-backup/engine/operations/evidence.ts'
import { parseLastTime, parseTime } from '@telegram-backup/engine/units/quantities.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  type CommonOptions,
  describeCommand,
  describeGroup,
  type RegisterCommand,
  usageError,
  wholeNumber,
  withCatalog,
  withEngine,
} from '#commands/command.ts'
import { registerVerifyEvidence } from '#commands/evidence-verify.ts'
import { describeEvidence, describeEvidenceList } from '#commands/evidence-words.ts'
import { exportTo } from '#commands/export-evidence.ts'

const ID =
  'the record: its id, the first eight characters of its id, "latest", or "latest:SOURCE" for the newest drill of that source or project'

interface ListOptions extends CommonOptions {
  project?: string
  since?: string
  until?: string
  limit?: string
}

/** `evidence list|show|export|verify|review`: proofs of drills that leave the program. */
export const registerEvidence: RegisterCommand = (program, run) => {
  const group = describeGroup(program.command('evidence'), {
    description:
      'signed records of restore drills, for auditors: list, show, export and review them, and verify an export on any machine',
    examples: [
      'telegram-backup evidence list',
      'telegram-backup evidence export --out evidence.json --from 2026-01-01 --to 2026-12-31',
      'telegram-backup evidence verify evidence.json --signer SHA256:…',
    ],
  })
  const registers = [registerList, registerShow, registerExport, registerVerifyEvidence, registerReview]
  for (const register of registers) register(group, run)
}

const registerList: RegisterCommand = (group, run) => {
  describeCommand(group.command('list'), {
    description: 'list the records of drills and of their reviews, newest first',
    options: {
      '--project <id>': 'list only records of this project',
      '--since <when>': 'list only records made since then: 24h, 7d, 2026-11-24, "2026-11-24 15:30"',
      '--until <when>': 'list only records made until then; a date counts to the end of that day',
      '--limit <number>': 'list at most this many records, the newest ones',
    },
    examples: ['telegram-backup evidence list', 'telegram-backup evidence list --project shop --since 90d'],
  }).action((options: ListOptions) =>
    run(async context => {
      const limit = options.limit === undefined ? undefined : wholeNumber('--limit', options.limit)
      const from = options.since === undefined ? undefined : parseTime(options.since)
      const to = options.until === undefined ? undefined : parseLastTime(options.until)
      const { listEvidence } = await import('@telegram-backup/database')
      const { evidenceSummary } = await import('@telegram-backup/engine/operations/evidence.ts')
      await withCatalog(context, async database => {
        const filter = { projectId: options.project, from, to, limit }
        const isFiltered = Object.values(filter).some(value => value !== undefined)
        const records: EvidenceSummary[] = (await listEvidence(database, filter)).map(evidenceSummary)
        context.output.answer(records, () =>
          describeEvidenceList(records, { output: context.output, isFiltered }),
        )
      })
      return ExitCode.DONE
    }, options),
  )
}

const registerShow: RegisterCommand = (group, run) => {
  describeCommand(group.command('show'), {
    description: 'show one record: what was tested, how, with which result, and where it is kept',
    argument: ['<id>', ID],
    examples: ['telegram-backup evidence show latest', 'telegram-backup evidence show 3f0c2c1e --json'],
  }).action((id: string, options: CommonOptions) =>
    run(async context => {
      const { evidenceDetails, findEvidence } = await import('@telegram-backup/engine/operations/evidence.ts')
      await withCatalog(context, async database => {
        const details: EvidenceDetails = await evidenceDetails(database, await findEvidence(database, id))
        context.output.answer(details, () => describeEvidence(details))
      })
      return ExitCode.DONE
    }, options),
  )
}

interface ExportOptions extends CommonOptions {
  out?: string
  html?: string
  project?: string
  from?: string
  to?: string
}

const registerExport: RegisterCommand = (group, run) => {
  describeCommand(group.command('export'), {
    description:
      'write records to a file for an auditor. --out: a JSON file that "evidence verify" checks; its first element is a signed list of what it holds. --html: pages to print or to save as PDF with a browser. Without ids, all records of the time',
    argument: ['[ids...]', ID],
    options: {
      '--out <file>': 'write the signed records to this new file',
      '--html <file>': 'write pages to print to this new file',
      '--project <id>': 'only records of this project',
      '--from <when>': 'only records made since then: 90d, 2026-01-01, "2026-01-01 15:30"',
      '--to <when>': 'only records made until then; a date counts to the end of that day',
    },
    examples: [
      'telegram-backup evidence export --out evidence.json',
      'telegram-backup evidence export --out 2026.json --from 2026-01-01 --to 2026-12-31',
      'telegram-backup evidence export latest:shop --html report.html',
    ],
  }).action((words: string[], options: ExportOptions) =>
    run(async context => {
      const { out, html, project } = options
      if (out === undefined && html === undefined)
        throw usageError('No file was named', 'Give --out FILE, --html FILE, or both.')
      if (words.length > 0 && (project ?? options.from ?? options.to) !== undefined)
        throw usageError('Ids cannot be combined with --project, --from or --to', 'Leave out one of them.')
      const from = options.from === undefined ? undefined : parseTime(options.from)
      const to = options.to === undefined ? undefined : parseLastTime(options.to)
      return await exportTo(context, { out, html }, { words, project, from, to })
    }, options),
  )
}

interface ReviewOptions extends CommonOptions {
  by: string
  note: string
}

const registerReview: RegisterCommand = (group, run) => {
  const command = group
    .command('review')
    .requiredOption('--by <name>', 'who has reviewed the record')
    .requiredOption('--note <text>', 'what that person has found, and what follows')
  describeCommand(command, {
    description:
      'add the review of a person to the record of a drill. The review is a signed record of its own, and goes into the chat, too',
    argument: ['<id>', ID],
    examples: [
      'telegram-backup evidence review latest --by "Internal Audit" --note "No exceptions. Next drill in March."',
    ],
  }).action((id: string, { by, note, ...options }: ReviewOptions) =>
    run(async context => {
      const { evidenceDetails, findEvidence, reviewEvidence } = await import(
        '@telegram-backup/engine/operations/evidence.ts'
      )
      const { postEvidenceQuietly } = await import('@telegram-backup/engine/operations/post-evidence.ts')
      await withEngine(context, async engine => {
        const reviewed = await findEvidence(engine.database, id)
        const review = await reviewEvidence(engine, { id: reviewed.id, name: by, note })
        await postEvidenceQuietly(engine, context)
        const details = await evidenceDetails(engine.database, review)
        const isPosted = details.messages.length > 0
        context.output.answer(
          { success: true, ...details },
          () =>
            `Review ${review.id.slice(0, 8)} of drill ${reviewed.id.slice(0, 8)} is recorded${isPosted ? ', and in the chat' : ''}.`,
        )
      })
      return ExitCode.DONE
    }, options),
  )
}
