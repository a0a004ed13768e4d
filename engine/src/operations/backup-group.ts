import { randomUUID } from 'node:crypto'
import type { GroupMember } from '@telegram-backup/connectors/connector.ts'
import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import { type Backup, findGroup } from '@telegram-backup/database'
import { BackupError, type DescribedError, describeError } from '@telegram-backup/errors'
import { failureBefore } from '#backup/before-send.ts'
import type { SendPlan } from '#backup/send-plan.ts'
import type { Engine } from '#engine.ts'
import { type BackupHooks, backup, type SentSource } from '#operations/backup.ts'
import { betweenHooks } from '#source-hooks/between-hooks.ts'

/** One member of a group, and its result. */
export interface SentMember {
  /** Its name in the group, such as `globals` or `database:shop`. */
  member: string
  plan: SendPlan
  sent: SentSource & { failedBefore?: boolean }
  /** It failed, and the source does not have it any more: a database was dropped during the run. */
  isGone: boolean
  /** An earlier attempt of the same run has made it. */
  isEarlier: boolean
}

export interface SentGroup {
  groupId: string
  /** In the order in which they were backed up. */
  members: SentMember[]
  /** Every member was backed up. */
  isComplete: boolean
  /** Why the hook `after` of the source failed. */
  afterError?: DescribedError | undefined
}

export interface GroupHooks extends BackupHooks {
  /** The group to go on with; its complete members are not sent again. Default: a new one. */
  groupId?: string | undefined
  /** Called before each member: which one it is, from 1, and of how many. */
  onMember?: (member: string, place: { number: number; of: number }) => void
  /** Called after each member. */
  onMemberSent?: (sent: SentMember) => void
}

/** Whether the source of a plan consists of several, for `backupGroup`. */
export function isOfGroup({ source }: SendPlan): boolean {
  return connectorOf(source).group !== undefined
}

/** After these failures of the chat or the catalog, the other members would fail in the same way. */
const ENDS_ALL: ReadonlySet<string | undefined> = new Set([
  'CANCELLED',
  'UNREACHABLE',
  'CATALOG',
  'ANSWER_LOST',
])

/**
 * Backs up a source that consists of several: each member that it has now becomes a backup of its own, one
 * after the other, all in one group. A member that fails does not stop the others. Resolves also when all
 * fail. Rejects when the engine cannot be opened, and when the source does not say what it consists of.
 */
export async function backupGroup(
  engine: Engine | Promise<Engine>,
  plan: SendPlan,
  hooks: GroupHooks,
): Promise<SentGroup> {
  const { hooks: programs, ...alone } = plan
  if (programs === undefined) return await backupMembers(engine, plan, hooks)
  const { database } = await engine
  const { project, type } = plan
  const facts = { source: hooks.origin.sourceName ?? '', project, type }
  // Once for all of them, not for each.
  return await betweenHooks({ database, facts, hooks: programs }, hooks, async () => {
    const group = await backupMembers(engine, alone, hooks)
    return {
      ...group,
      success: group.isComplete,
      code: group.members.find(({ sent }) => !sent.success)?.sent.code,
    }
  })
}

async function backupMembers(
  engine: Engine | Promise<Engine>,
  plan: SendPlan,
  hooks: GroupHooks,
): Promise<SentGroup> {
  const { signal, groupId = randomUUID() } = hooks
  const members = await listMembers(plan, hooks)
  const { database } = await engine
  const made = await findGroup(database, groupId)
  const done = new Map(
    (made?.backups ?? []).filter(({ state }) => state === 'complete').map(backup => [backup.member, backup]),
  )
  // With those that were dropped after an earlier attempt had backed them up.
  const size = new Set([...members.map(({ name }) => name), ...done.keys()]).size
  const results: SentMember[] = []
  let ending: unknown
  for (const [index, { name: member, choice }] of members.entries()) {
    const of = { ...plan, source: choice, group: { id: groupId, size, member } }
    const earlier = done.get(member)
    const outcome =
      earlier !== undefined
        ? { sent: alreadySent(earlier), ending: undefined }
        : ending !== undefined
          ? { sent: failureBefore(ending), ending }
          : await sendMember(engine, of, { ...hooks, place: { number: index + 1, of: members.length } })
    ending = outcome.ending
    const result = { member, plan: of, sent: outcome.sent, isGone: false, isEarlier: earlier !== undefined }
    results.push(result)
    hooks.onMemberSent?.(result)
  }
  const hasFailed = results.some(({ sent }) => !sent.success)
  const left = hasFailed && !signal.aborted ? await membersLeft(plan, signal) : undefined
  return {
    groupId,
    members: results.map(one => ({ ...one, isGone: !one.sent.success && left?.has(one.member) === false })),
    isComplete: !hasFailed,
  }
}

async function listMembers({ source }: SendPlan, hooks: GroupHooks): Promise<GroupMember[]> {
  const { group } = connectorOf(source)
  if (group === undefined) throw new TypeError(`The kind ${source.kind} does not consist of several sources`)
  try {
    return await group.list(source, hooks.signal)
  } catch (error) {
    if (hooks.signal.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED', cause: error })
    throw hooks.onSourceFailed?.(error) ?? error
  }
}

/** Undefined when the source does not answer. */
async function membersLeft({ source }: SendPlan, signal: AbortSignal): Promise<Set<string> | undefined> {
  const left = await connectorOf(source)
    .group?.list(source, signal)
    .catch(() => undefined)
  return left && new Set(left.map(({ name }) => name))
}

/** `ending`: the failure that ends the whole run. */
async function sendMember(
  engine: Engine | Promise<Engine>,
  plan: SendPlan & { group: { member: string } },
  { place, ...hooks }: GroupHooks & { place: { number: number; of: number } },
): Promise<{ sent: SentMember['sent']; ending: unknown }> {
  hooks.onMember?.(plan.group.member, place)
  let isOfSource = false
  const sent: SentMember['sent'] = await backup(engine, plan, {
    ...hooks,
    onSourceFailed: error => {
      isOfSource = true
      return hooks.onSourceFailed?.(error)
    },
  }).catch(failureBefore)
  const { success, code, details } = sent
  const endsAll = hooks.signal.aborted || (!isOfSource && !details.sourceFailed && ENDS_ALL.has(code))
  if (success || !endsAll) return { sent, ending: undefined }
  const { error = 'the backup of another member failed', hint } = sent
  return { sent, ending: new BackupError(`Not tried: ${error}`, { code: code ?? 'CANCELLED', hint }) }
}

function alreadySent(databaseRecord: Backup): SentSource {
  return { success: true, databaseRecord, details: { telegramSuccess: true, databaseSuccess: true } }
}

/**
 * The error of a run that has not backed up every member; it names each that is missing, with `reasonOf` the
 * words for its failure. Undefined for a whole run. Its code is that of the first failure.
 */
export async function failureOfGroup(
  { members }: SentGroup,
  errorOf: (failed: SentMember) => Promise<unknown>,
): Promise<BackupError | undefined> {
  const failed = members.filter(({ sent }) => !sent.success)
  const [first] = failed
  if (first === undefined) return undefined
  const errors = await Promise.all(failed.map(errorOf))
  const reasons = failed.map(({ member, isGone }, index) =>
    isGone ? `${member}: it was dropped meanwhile` : `${member}: ${describeError(errors[index]).message}`,
  )
  const { code, hint } = describeError(errors[0])
  return new BackupError(
    `${failed.length} of ${members.length} members were not backed up: ${reasons.join('; ')}`,
    { code, hint, cause: errors[0] },
  )
}
