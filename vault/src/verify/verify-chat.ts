import { randomInt } from 'node:crypto'
import { openManifest } from '@telegram-backup/archive'
import {
  type Backup,
  type JobProgress,
  type MessageRow,
  markPartSound,
  partKeyOf,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import type { HeldBackup, VaultSession } from '#session/session.ts'
import type { PlacedMessage } from '#session/whole-messages.ts'
import { contradiction } from '#verify/check-manifest.ts'
import { checkExistence, findingOf, type LookedAtChat, lookAt } from '#verify/look-at-message.ts'
import { openContents } from '#verify/open-contents.ts'
import type { DocumentReader, ReadableMessage, ReadMessage } from '#verify/read-documents.ts'
import type { Findings } from '#verify/verification-report.ts'

/**
 * Without `readData`: so many messages of a chat are looked at, which covers a small backup. Each look makes
 * a copy, which counts against the chat's pace; a check of existence makes none.
 */
const LOOKS_FOR_EXISTENCE = 10

/** The messages of a backup in one chat, and how they are verified. */
export interface ChatToVerify extends LookedAtChat {
  backup: Backup
  /** Those with known message ids. */
  messages: readonly PlacedMessage[]
  readData: boolean
  /** Undefined when there is no key, or the contents have been opened already. */
  identities: readonly string[] | undefined
  reader: DocumentReader
  findings: Findings
  onProgress: (progress: Pick<JobProgress, 'bytes_done' | 'parts_done'>) => void
}

/**
 * Verifies the messages of one chat and adds to the findings. True when the contents were opened and are
 * right. Throws errors that say nothing about the messages: an outage, the catalog, a cancel.
 */
export async function verifyChat(
  session: VaultSession,
  held: HeldBackup,
  chat: ChatToVerify,
): Promise<{ isOpened: boolean }> {
  const readable = await lookAtAll(session, held, chat)
  const manifest = readable.find(({ message }) => message.kind === 'manifest')
  const parts = readable.filter(({ message }) => message.kind === 'part')
  if (manifest !== undefined) await readManifest(session, held, chat, manifest)
  const read = noted(session, held, chat, chat.reader.readParts(parts))
  const partCount = chat.backup.part_count ?? parts.length
  // Without all parts the whole cannot be opened.
  if (!chat.readData || chat.identities === undefined || parts.length !== partCount) {
    for (let next = await read.next(); !next.done; next = await read.next());
    return { isOpened: false }
  }
  return { isOpened: await open(session, chat, chat.identities, read) }
}

/** Looks at the messages. Returns those to read: without `readData` only the doubtful ones. */
async function lookAtAll(
  session: VaultSession,
  held: HeldBackup,
  chat: ChatToVerify,
): Promise<ReadableMessage[]> {
  const { messages, findings, readData, movedTo } = chat
  const looks = readData || movedTo !== undefined ? new Set(messages) : someOf(messages)
  const readable: ReadableMessage[] = []
  for (const message of messages) {
    findings.parts++
    if (!looks.has(message)) {
      const finding = await checkExistence(session, held, message)
      if (finding !== undefined) findings.list.push(finding)
    } else {
      const look = await lookAt(session, held, { message, chat })
      if (look.outcome === 'wrong') findings.list.push(look.finding)
      else {
        chat.reader.noteSeen({ message, ...look })
        if (readData || look.outcome === 'doubtful') readable.push({ message, ...look })
      }
    }
    if (!readData) chat.onProgress({ bytes_done: findings.bytes, parts_done: findings.parts })
  }
  return readable
}

/** The manifest, all with known problems, and a random choice of the others. */
function someOf(messages: readonly PlacedMessage[]): Set<PlacedMessage> {
  const some = new Set(messages.filter(({ kind, state }) => kind === 'manifest' || state !== 'sent'))
  const rest = messages.filter(message => !some.has(message))
  while (rest.length > 0 && some.size < LOOKS_FOR_EXISTENCE) {
    for (const message of rest.splice(randomInt(rest.length), 1)) some.add(message)
  }
  return some
}

async function readManifest(
  session: VaultSession,
  held: HeldBackup,
  chat: ChatToVerify,
  of: ReadableMessage,
): Promise<void> {
  const { backup, findings, identities } = chat
  const read = await chat.reader.readOne(of)
  await note(session, held, chat, read)
  if (read.finding !== undefined || !chat.readData || identities === undefined) return
  try {
    const opened = await openManifest(read.bytes, { encrypted: backup.encrypted !== false, identities })
    const parts = chat.messages.filter(({ kind }) => kind === 'part')
    const words = contradiction(opened, { backup, parts })
    if (words !== undefined) findings.list.push(findingOf(of.message, 'contents', words))
  } catch (error) {
    const { code, message: reason } = describeError(error)
    if (code === 'WRONG_KEY' || code === 'NO_KEY') return notOpened(chat, { code, reason })
    if (code !== 'INTEGRITY') throw error
    findings.list.push(findingOf(of.message, 'contents', `does not open: ${reason}`))
  }
}

async function open(
  session: VaultSession,
  chat: ChatToVerify,
  identities: readonly string[],
  read: AsyncGenerator<ReadMessage, void>,
): Promise<boolean> {
  const { backup, messages, findings } = chat
  const { signal } = session
  const outcome = await openContents(read, { backup, identities, signal })
  if (outcome.outcome === 'closed') notOpened(chat, outcome)
  if (outcome.outcome === 'wrong') {
    const { partNumber, reason } = outcome
    const part = messages.find(({ kind, part_no }) => kind === 'part' && part_no === partNumber)
    findings.list.push(
      part === undefined
        ? {
            ...{ kind: 'backup', part_no: 0, chat_id: chat.chatId, message_id: null },
            ...{ finding: 'contents', reason },
          }
        : findingOf(part, 'contents', `does not open as it should: ${reason}`),
    )
  }
  return outcome.outcome === 'right'
}

/** Reported once: the same key opens nothing else of the backup either. */
function notOpened({ findings, chatId }: ChatToVerify, why: { code: string; reason: string }): void {
  if (findings.unproven.some(({ code }) => code === why.code)) return
  findings.unproven.push({ chat_id: chatId, code: why.code, reason: why.reason })
}

async function* noted(
  session: VaultSession,
  held: HeldBackup,
  chat: ChatToVerify,
  read: AsyncGenerator<ReadMessage, void>,
): AsyncGenerator<ReadMessage, void> {
  for await (const one of read) {
    await note(session, held, chat, one)
    yield one
  }
}

/** Adds a finding, or clears an earlier one of a message that is right now. */
async function note(
  { database }: VaultSession,
  { backupId, lease }: HeldBackup,
  { findings, onProgress, readData }: ChatToVerify,
  { message, bytes, finding }: ReadMessage,
): Promise<void> {
  findings.bytes += bytes.length
  if (finding !== undefined) findings.list.push(finding)
  else if (message.state !== 'sent') {
    await markPartSound(database, { ...partKeyOf(backupId, message), leaseToken: lease.token })
  }
  findings.read++
  if (readData) onProgress({ bytes_done: findings.bytes, parts_done: findings.read })
}

/** Whether a row says where its message is. */
export function isPlaced(row: MessageRow): row is PlacedMessage {
  return row.message_id !== null && row.state !== 'erased'
}
