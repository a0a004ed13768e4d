import { openIndex, type VaultIndex } from '@telegram-backup/archive'
import type { CatalogRows } from '#torture/judge/catalog-rows.ts'
import type { ChatView } from '#torture/world/chat-view.ts'
import type { World } from '#torture/world/world.ts'

/** The index of each chat, opened with the key, tells what the catalog tells, and is pinned. */
export async function indexCheck(world: World, rows: CatalogRows): Promise<string[]> {
  const violations: string[] = []
  for (const chat of [world.chat, ...(world.replica ? [world.replica] : [])]) {
    violations.push(...(await checkOne(world, rows, chat)))
  }
  return violations
}

async function checkOne(
  world: World,
  rows: CatalogRows,
  chat: { id: string; view: ChatView },
): Promise<string[]> {
  const expected = expectedEntries(rows, chat.id)
  const messageId = rows.indexes.get(chat.id)
  if (messageId === undefined) {
    return expected.size === 0 ? [] : [`index: chat ${chat.id} has ${expected.size} backups and no index`]
  }
  const message = (await chat.view.messages()).find(({ id }) => id === messageId)
  // That it is gone is the chat's matter.
  if (!message) return []
  const violations: string[] = []
  if (!message.pinned && !world.human.pinned)
    violations.push(`index: message ${messageId} of ${chat.id} is not pinned`)
  let index: VaultIndex
  try {
    index = (
      await openIndex(await chat.view.bytes(messageId), { identities: [world.identity], encrypted: true })
    ).index
  } catch (error) {
    return [...violations, `index: ${messageId} of ${chat.id} cannot be opened: ${(error as Error).message}`]
  }
  const found = new Map(
    index.backups.map(entry => [
      entry.id,
      [entry.state, entry.manifest.messageId, ...entry.partMessages].join(' '),
    ]),
  )
  for (const [id, words] of expected) {
    if (found.get(id) !== words) {
      violations.push(
        `index: ${chat.id} says "${found.get(id) ?? 'nothing'}" of ${id}, the catalog "${words}"`,
      )
    }
  }
  for (const id of found.keys()) {
    if (!expected.has(id))
      violations.push(`index: ${chat.id} has ${id}, which the catalog does not have alive`)
  }
  return violations
}

/**
 * Per live backup with a manifest in the chat: state, message id of the manifest, message ids of the parts.
 */
function expectedEntries({ backups, messages }: CatalogRows, chatId: string): Map<string, string> {
  const entries = new Map<string, string>()
  for (const { id, state, partCount } of backups) {
    if (state !== 'complete' && state !== 'erasing') continue
    const here = messages.filter(row => row.backupId === id && row.chatId === chatId)
    const manifest = here.find(({ kind }) => kind === 'manifest')
    if (manifest?.messageId === undefined) continue
    const parts = here.filter(({ kind }) => kind === 'part').map(({ messageId }) => messageId)
    const lacks = parts.length === partCount ? [] : [`lacking ${(partCount ?? 0) - parts.length}`]
    entries.set(id, [state, manifest.messageId, ...parts, ...lacks].join(' '))
  }
  return entries
}
