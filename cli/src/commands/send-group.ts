import type { SendPlan } from '@telegram-backup/engine/operations/backup.ts'
import type { SentGroup, SentMember } from '@telegram-backup/engine/operations/backup-group.ts'
import { formatBytes, formatTable } from '@telegram-backup/engine/units/human-units.ts'
import { shownName } from '@telegram-backup/engine/units/names.ts'
import type { OpenEngine } from '@telegram-backup/engine/wiring.ts'
import { ExitCode, exitCodeFor } from '@telegram-backup/errors'
import type { CommandContext } from '#commands/command.ts'
import type { Output } from '#commands/output.ts'
import { SendFollower } from '#commands/send-progress.ts'
import { describeFailure, shownFailure, warningsOf } from '#commands/send-report.ts'

/** Sends each member of a source that consists of several; prints the results, and returns the exit code. */
export async function sendGroup(
  { signal, output, note }: CommandContext,
  opening: Promise<OpenEngine>,
  plan: SendPlan,
): Promise<ExitCode> {
  const { backupGroup } = await import('@telegram-backup/engine/operations/backup-group.ts')
  const progress = output.progressLine()
  let follower: SendFollower | undefined
  const group = await backupGroup(opening, plan, {
    signal,
    origin: { sourceName: plan.sourceName },
    waits: true,
    note,
    onMember: (member, { number, of }) => {
      note(`${number} of ${of}: ${shownName(member)}`)
      follower = undefined
    },
    onEstimate: (_, pace) => {
      follower = new SendFollower(pace)
    },
    onHookLine: ({ stage, text }) => note(`${stage}: ${text}`),
    onProgress: state => {
      follower?.follow(state)
      progress.update(() => follower?.facts() ?? [])
    },
  }).finally(() => progress.end())
  return reportGroup(group, output)
}

function reportGroup(group: SentGroup, output: Output): ExitCode {
  const { groupId, isComplete } = group
  const members = group.members.map(one => ({ ...one, sent: shown(one) }))
  output.answer(
    {
      success: isComplete,
      group_id: groupId,
      members: members.map(({ member, sent, isGone }) => {
        const { failedBefore, ...result } = sent
        return { member, ...(isGone && { is_gone: true }), ...result }
      }),
    },
    () => describeGroup({ ...group, members }),
  )
  for (const { member, sent } of members) {
    for (const warning of warningsOf(sent)) output.note(`warning: ${shownName(member)}: ${warning}`)
  }
  const failed = members.filter(({ sent }) => !sent.success)
  for (const { member, sent, isGone } of failed) {
    const why = isGone ? 'it was dropped during the run, so it is not in the next one' : describeFailure(sent)
    output.reason(`${shownName(member)} is not backed up: ${why}`, isGone ? undefined : sent.hint)
  }
  if (group.afterError !== undefined) output.reason(group.afterError.message, group.afterError.hint)
  const [first] = failed
  if (first === undefined) return group.afterError === undefined ? ExitCode.DONE : ExitCode.PARTIAL
  return failed.length < members.length ? ExitCode.PARTIAL : exitCodeFor(first.sent.code)
}

function shown({ sent }: SentMember): SentMember['sent'] {
  return sent.success ? sent : shownFailure(sent, { failedBefore: sent.failedBefore })
}

function describeGroup({ groupId, members, isComplete }: SentGroup): string {
  const made = members.filter(({ sent }) => sent.success)
  const rows = made.map(({ member, sent: { databaseRecord } }) => [
    databaseRecord?.id ?? '',
    formatBytes(databaseRecord?.size ?? 0),
    shownName(member),
  ])
  const state = isComplete
    ? `complete: ${made.length} backups`
    : `incomplete: ${made.length} of ${members.length} backups`
  return [
    `Group ${groupId} is ${state}.`,
    ...(rows.length === 0 ? [] : [formatTable([['ID', 'SIZE', 'MEMBER'], ...rows])]),
    ...(rows.length === 0
      ? []
      : [
          `Get all back with: telegram-backup restore group:${groupId.slice(0, 8)} --to postgresql://USER@HOST/postgres`,
        ]),
  ].join('\n')
}
