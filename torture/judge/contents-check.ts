import { plainBytesOf } from '#torture/judge/archive-bytes.ts'
import type { BackupRow, CatalogRows } from '#torture/judge/catalog-rows.ts'
import type { World } from '#torture/world/world.ts'

/**
 * What was found whole already, by chat: documents of a message do not change without its row changing, too.
 */
const proven = new WeakMap<World, Set<string>>()

/** Every complete backup comes back byte for byte, from every chat that has it. */
export async function contentsCheck(world: World, rows: CatalogRows): Promise<string[]> {
  const violations: string[] = []
  const seen = proven.get(world) ?? new Set<string>()
  proven.set(world, seen)
  for (const backup of rows.backups) {
    if (backup.state !== 'complete') continue
    if (!world.given.has(backup.plainSha256 ?? '')) {
      violations.push(`wrong: complete backup ${backup.id} holds what no send was given`)
      continue
    }
    const acknowledged = world.acknowledged.get(backup.id)
    if (acknowledged !== undefined && acknowledged !== backup.plainSha256) {
      violations.push(`wrong: backup ${backup.id} was reported with another content`)
    }
    const violation = await checkOne(world, rows, { backup, seen })
    if (violation) violations.push(violation)
  }
  return violations
}

async function checkOne(
  world: World,
  rows: CatalogRows,
  of: { backup: BackupRow; seen: Set<string> },
): Promise<string | undefined> {
  const { backup, seen } = of
  if (world.human.damaged.has(backup.id)) return undefined
  // What was erased comes back as damaged when a recovery without an index finds what people have copied of
  // it.
  const isCopied = world.human.pinned && [...world.human.copies.values()].includes(backup.id)
  if (backup.damaged && world.condemned.has(backup.id) && isCopied) return undefined
  const here = rows.messages.filter(row => row.backupId === backup.id && row.chatId === world.chat.id)
  const parts = here.filter(({ kind }) => kind === 'part')
  if (!here.some(({ kind, state }) => kind === 'manifest' && state === 'sent')) {
    return `incomplete: complete backup ${backup.id} has no manifest`
  }
  if (backup.damaged) return `wrong: backup ${backup.id} is marked damaged, and nobody has touched it`
  if (parts.length === 0 || parts.length !== backup.partCount) {
    return `incomplete: complete backup ${backup.id} has ${parts.length} of ${backup.partCount} parts`
  }
  const key = `${backup.id} ${backup.plainSha256} ${parts.map(({ messageId }) => messageId).join(' ')}`
  if (seen.has(key)) return undefined
  try {
    const documents: Buffer[] = []
    for (const { messageId } of parts) documents.push(await world.chat.view.bytes(messageId ?? 0))
    const back = await plainBytesOf(documents, world.identity)
    if (back.sha256 !== backup.plainSha256)
      return `wrong: complete backup ${backup.id} comes back with other bytes`
  } catch (error) {
    return `wrong: complete backup ${backup.id} does not come back: ${(error as Error).message}`
  }
  seen.add(key)
  return undefined
}
