import { readCaption } from '#torture/judge/captions.ts'
import type { CatalogRows, MessageRow } from '#torture/judge/catalog-rows.ts'
import type { ChatView, VisibleMessage } from '#torture/world/chat-view.ts'
import type { World } from '#torture/world/world.ts'

const LIVING = new Set(['sent', 'damaged'])

/**
 * Every message of the bot is known, none is there twice, what is known is there, and people's messages are
 * untouched.
 */
export async function chatCheck(world: World, rows: CatalogRows): Promise<string[]> {
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
  const violations: string[] = []
  const messages = await chat.view.messages()
  const ours = rows.messages.filter(({ chatId }) => chatId === chat.id)
  const known = new Map(
    ours.flatMap(row => (row.messageId === undefined ? [] : [[row.messageId, row] as const])),
  )
  const firstOf = new Map<string, number>()
  for (const message of messages) {
    if (!message.byBot) continue
    const name = `message ${message.id} in ${chat.id}`
    if (rows.indexes.get(chat.id) === message.id) continue
    // Only what a lost catalog left behind may be left so.
    if (world.former.length > 0 && rows.unsure.has(`${chat.id} ${message.id}`)) continue
    // A forward that nobody can delete any more, and nobody replace, is known for what it is.
    if (message.isFixed && rows.remnants.has(`${chat.id} ${message.id}`)) continue
    const row = known.get(message.id)
    // In a group nothing tells a lost copy of a person's message from that person's own forward: so it stays.
    if (message.isOfAPerson && row === undefined) continue
    const caption = readCaption(message.caption)
    const isStray = caption?.kind === 'pack' && isOfOldMachine(world, chat.id, caption.key)
    if (isStray && row === undefined) continue
    const isTombstone = caption?.kind === 'tombstone' || caption?.kind === 'pack tombstone'
    if (caption && caption.kind !== 'index' && !isTombstone) {
      const first = firstOf.get(caption.key)
      if (first !== undefined)
        violations.push(`twice: ${caption.key} is in messages ${first} and ${message.id}`)
      firstOf.set(caption.key, message.id)
    }
    if (rows.evidence.has(`${chat.id} ${message.id}`)) continue
    // A recovery need not learn of what was erased before it.
    const isRemembered = row === undefined ? world.former.length > 0 : row.state === 'tombstone'
    if (isTombstone && isRemembered) continue
    if (row && LIVING.has(row.state)) continue
    // A replaced or erased message that is still alive with its bytes is garbage, too.
    violations.push(
      `unknown: ${name} (${describe(message)}) is ${row ? `${row.state} in` : 'not in'} the catalog`,
    )
  }
  for (const message of messages) {
    if (!rows.unsure.has(`${chat.id} ${message.id}`)) continue
    const why = whyNotUnsure(message, { messages, known, rows, lost: world.human.damaged })
    if (why) violations.push(`unsure: message ${message.id} in ${chat.id} (${describe(message)}) ${why}`)
  }
  const alive = new Set(messages.map(({ id }) => id))
  for (const place of rows.evidence) {
    const [chatId, id] = place.split(' ')
    if (chatId === chat.id && !alive.has(Number(id)) && !world.human.deleted.has(Number(id)))
      violations.push(`missing: the evidence in message ${id} of ${chat.id} is gone`)
  }
  // A run that cannot reach the catalog any more takes its parts back all the same; resuming asks the chat
  // for each.
  const resumable = new Set(rows.backups.flatMap(one => (one.resumable ? [one.id] : [])))
  for (const [id, row] of known) {
    if (row.state !== 'sent' || alive.has(id) || resumable.has(row.backupId)) continue
    if (world.human.deleted.has(id) && chat === world.chat) continue
    // Garbage of both machines: the new one finds it gone when it erases it.
    if (world.collected.has(row.backupId) && !isNeeded(rows, row.backupId)) continue
    violations.push(
      `missing: ${row.kind} ${row.partNumber} of ${row.backupId}, message ${id} in ${chat.id}, is gone`,
    )
  }
  const index = rows.indexes.get(chat.id)
  const indexIsGone = index !== undefined && !alive.has(index)
  if (indexIsGone && !world.human.deleted.has(index))
    violations.push(`missing: the index ${index} in ${chat.id} is gone`)
  if (chat === world.chat) {
    for (const id of world.human.wrote) {
      if (alive.has(id)) continue
      // What the bot before it has sent, another bot cannot tell from what people have copied byte for byte.
      const copied = world.human.copies.get(id)
      if (copied !== undefined && world.isOfAnotherBot && world.condemned.has(copied)) continue
      violations.push(`touched: a person's message ${id} is gone`)
    }
  }
  return violations
}

function isOfOldMachine({ strays }: World, chatId: string, pack: string): boolean {
  return strays.has(pack) || strays.has(`${chatId} ${pack}`)
}

function isNeeded({ objects }: CatalogRows, pack: string): boolean {
  return objects.some(({ state, extents }) => state === 'live' && extents.some(one => one.pack === pack))
}

/**
 * What a recovery may be unsure of repeats something of the program's. Anything else it has to know, or to
 * leave alone.
 */
function whyNotUnsure(
  { id, caption }: VisibleMessage,
  of: {
    messages: readonly VisibleMessage[]
    known: ReadonlyMap<number, MessageRow>
    rows: CatalogRows
    /** Backups of which people deleted something. */
    lost: ReadonlySet<string>
  },
): string | undefined {
  const { messages, known, rows, lost } = of
  const facts = readCaption(caption)
  if (facts === undefined) return 'says nothing of ours'
  const row = known.get(id)
  if (row && LIVING.has(row.state)) return `is the ${row.kind} of a backup as well`
  if (facts.kind !== 'part' && facts.kind !== 'manifest') return undefined
  const { key, backupId } = facts
  // Of what was erased, or lost a message to people, a copy may be all that is left.
  const isWhole =
    !lost.has(backupId) && rows.backups.some(one => one.id === backupId && one.state === 'complete')
  const isFirst = messages.every(other => other.id >= id || keyOf(other) !== key)
  return isWhole && isFirst ? 'is the first that says so' : undefined
}

function keyOf({ caption }: VisibleMessage): string | undefined {
  const facts = readCaption(caption)
  return facts?.kind === 'part' || facts?.kind === 'manifest' ? facts.key : undefined
}

function describe({ caption, text, document }: VisibleMessage): string {
  return (caption?.split('\n').at(-1) ?? text ?? document?.fileName ?? 'empty').slice(0, 160)
}
