import type { ImportedMessage } from '@telegram-backup/database'
import { readCaptionWords } from '#recover/caption-words.ts'
import type { OwnSighting } from '#recover/chat-reader.ts'
import type { FoundBackup } from '#recover/found-backup.ts'
import { messageSeen } from '#recover/indexed-backups.ts'

/**
 * A backup as its captions and file names describe it. Without a manifest it is a failed backup, whose
 * messages reconcile erases, unless it may have been whole. With a manifest that no key opens it is complete,
 * but sizes, hashes and expiry are unknown. Undefined when the captions do not say enough.
 */
export function foundByCaptions(
  sightings: { parts: readonly OwnSighting[]; manifest: OwnSighting | undefined },
  of: { chatId: string; botId: string; isIndexed: boolean },
): FoundBackup | undefined {
  const { parts, manifest } = sightings
  // Copies are made later: the oldest message decides.
  const first = parts.at(-1) ?? manifest
  if (first === undefined || !('backupId' in first.facts)) return undefined
  const { backupId } = first.facts
  const words = readCaptionWords({ caption: first.caption, fileName: first.document.fileName })
  if (words === undefined) return undefined
  const messages = new Map<number, ImportedMessage>()
  // Of two messages of a part the older one counts; reconcile finds the other.
  for (const sighting of parts.toSorted((a, b) => b.messageId - a.messageId)) {
    const message = messageSeen(sighting, of)
    if (message) messages.set(message.partNumber, message)
  }
  const { project: projectId, ...described } = words
  const { chatId, botId } = of
  const backup = { id: backupId, projectId, ...described, chatId, botId }
  const last = parts.findLast(({ facts }) => facts.kind === 'part' && facts.last)
  const partCount = last?.facts.kind === 'part' ? last.facts.partNumber : undefined
  // Without an index, all parts up to the last one may be a backup whose manifest is gone.
  const mayBeWhole = !of.isIndexed && messages.size === partCount
  if (manifest === undefined && !mayBeWhole) {
    return { ...backup, state: 'failed', error: ABANDONED, messages: [...messages.values()], findings: [] }
  }
  const own = manifest && messageSeen(manifest, of)
  return {
    ...backup,
    state: 'complete',
    partCount,
    messages: [
      ...[...messages.values()].filter(
        ({ partNumber }) => partCount === undefined || partNumber <= partCount,
      ),
      ...(own ? [own] : []),
    ],
    findings: [
      ...(manifest ? [] : ['its manifest is gone']),
      ...(partCount === undefined ? ['its last part is gone'] : []),
      ...gapsIn([...messages.keys()], partCount),
    ],
  }
}

/**
 * `part 2 is gone`, `parts 4 to 900 are gone`: one text for each gap, however large the numbers in captions
 * are.
 */
function gapsIn(partNumbers: readonly number[], partCount: number | undefined): string[] {
  if (partCount === undefined) return []
  const gaps: string[] = []
  let before = 0
  for (const partNumber of [...partNumbers, partCount + 1].sort((a, b) => a - b)) {
    const [from, to] = [before + 1, Math.min(partNumber, partCount + 1) - 1]
    if (from === to) gaps.push(`part ${from} is gone`)
    else if (from < to) gaps.push(`parts ${from} to ${to} are gone`)
    before = partNumber
  }
  return gaps
}

const ABANDONED = 'Found in the chat without a manifest: its run died before the backup was whole.'
