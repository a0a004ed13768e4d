import type { RecoveryReport } from '@telegram-backup/engine/operations/recover.ts'
import { count, formatBytes, formatTable } from '@telegram-backup/engine/units/human-units.ts'

/** Refused packs that are named one by one. */
const MOST_REFUSED = 20

/** What a recovery says about buckets, a line each; none without any. */
export function bucketLines({ buckets, refusedPacks, owner, withoutKey }: RecoveryReport): string[] {
  return [
    ...(buckets.length === 0 ? [] : ['', tableOf(buckets)]),
    ...buckets.flatMap(({ name, findings }) => findings.map(finding => `bucket ${name}: ${finding}`)),
    ...buckets.flatMap(lossOf),
    ...(withoutKey && refusedPacks.length > 0
      ? [
          `${count(refusedPacks.length, 'pack')} of buckets cannot be opened without the key: nothing of them was recovered`,
        ]
      : refusedLines(refusedPacks)),
    ...(owner === null || buckets.length === 0 ? [] : [NO_DOOR_KEYS]),
  ]
}

const NO_DOOR_KEYS =
  'Door keys are not stored in the chat: make new ones with "telegram-backup doorkey create --bucket NAME --scope full". The password of a restic repository is not there either: nothing but that password opens it.'

function tableOf(buckets: RecoveryReport['buckets']): string {
  const heading = ['BUCKET', 'KIND', 'PROJECT', 'OBJECTS', 'SIZE', 'READ FROM', 'CATALOG']
  const rows = buckets.map(({ name, kind, project, objects, bytes, hasCheckpoint, packs, outcome }) => [
    ...[name, kind, project, String(objects), formatBytes(bytes)],
    [...(hasCheckpoint ? ['checkpoint'] : []), ...(packs > 0 ? [count(packs, 'pack')] : [])].join(', '),
    outcome === 'added' ? 'new' : 'known',
  ])
  return formatTable([heading, ...rows])
}

function lossOf({ name, lost, lostKeys }: RecoveryReport['buckets'][number]): string[] {
  if (lost === 0) return []
  const more = lost - lostKeys.length
  return [
    `bucket ${name}: the bytes of ${count(lost, 'object')} are in no chat any more; "restic repair" can drop what needs them:`,
    ...lostKeys.map(key => `  ${key}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ]
}

function refusedLines(refused: RecoveryReport['refusedPacks']): string[] {
  const more = refused.length - MOST_REFUSED
  return [
    ...refused
      .slice(0, MOST_REFUSED)
      .map(
        ({ packId, chatId, messageId, reason }) =>
          `refused: pack ${packId} (message ${messageId} of chat ${chatId}) ${reason}`,
      ),
    ...(more > 0 ? [`refused: ${more} more packs`] : []),
  ]
}
