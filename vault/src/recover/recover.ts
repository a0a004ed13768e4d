import { catalogIdentity, endRecovery } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import { isChatHidden, refreshIndex } from 'telegram-deployment-bot'
import {
  type ChatRecovery,
  openChat,
  ownerOf,
  readChat,
  readLatecomers,
  recordAbandonedRuns,
  recordRefused,
} from '#recover/chat-recovery.ts'
import { noteErasedBackups } from '#recover/erased-elsewhere.ts'
import { type ChatToTake, encryptionFor, takeChatsOver, writeIndex } from '#recover/ownership.ts'
import { recoverPlans } from '#recover/recovered-plans.ts'
import { isEmpty, type RecoveryReport } from '#recover/recovery-report.ts'
import type { RecoverySetup } from '#recover/recovery-setup.ts'
import { SignedDocuments } from '#recover/signed-documents.ts'
import { Signers } from '#recover/signers.ts'
import { keepUnexplained } from '#recover/unexplained-messages.ts'

/**
 * Rebuilds the catalog from the chat and takes the chat over: the index, what is newer than it, else the chain of
 * manifests; then a later generation and a new index, and what another machine sent meanwhile. The second chat likewise,
 * so that nothing is copied there again. Backups that the catalog knows stay as they are. Killed anywhere and begun again,
 * it ends the same. Throws `NOT_FOUND` when nothing of ours is there, `WRONG_KEY` when nothing opens.
 */
export async function recover(setup: RecoverySetup): Promise<RecoveryReport> {
  const { client, identities, encryption, signal } = setup
  const signers = new Signers(setup.signers, setup.ownSigner)
  const isClearBelieved = encryption === 'off'
  const documents = new SignedDocuments({ client, identities, signers, isClearBelieved, signal })
  const main = await openChat(setup, { chat: setup.chat, documents }).catch((error: unknown) => {
    throw withSecondChat(error, setup)
  })
  await readChat(main)
  const second = await readSecondChat(main)
  if (documents.wrongKey !== undefined) throw documents.wrongKey
  const chats = [main, ...(second ? [second] : [])]
  for (const recovery of chats) await recordRefused(recovery)
  const isTaken = await takeChats(chats)
  for (const recovery of chats) await recordAbandonedRuns(recovery)
  if (isTaken) for (const recovery of chats) await keepUnexplained(recovery)
  for (const { report, reading } of chats) report.lookedAt = reading.reader.lookedAt
  // Until then, nothing else may work with what is half of a catalog.
  if (isTaken) await endRecovery(setup.database)
  if (chats.every(({ report }) => isEmpty(report))) throw nothingOfOurs(main.report)
  return main.report
}

/** A chat that the bot cannot see may be gone for good: then a person has to know that the second one is enough. */
function withSecondChat(error: unknown, { replicaChat }: RecoverySetup): unknown {
  const { code, message, hint = '' } = describeError(error)
  if (code !== 'CONFIGURATION' || !isChatHidden(error)) return error
  const second = replicaChat ?? 'its id'
  return new BackupError(message, {
    code,
    hint:
      `${hint} If the chat is gone for good, a second one (TELEGRAM_REPLICA_CHAT_ID; the card names it) is enough: ` +
      `set TELEGRAM_CHAT_ID=${second} and unset TELEGRAM_REPLICA_CHAT_ID.`,
    cause: error,
  })
}

/** The second chat, after the first one. Undefined where there is none, or it cannot be read: the report says why. */
async function readSecondChat(main: ChatRecovery): Promise<ChatRecovery | undefined> {
  const { setup, report, reading } = main
  const { replicaChat: chat, database, signal } = setup
  if (chat === undefined) return undefined
  const second: NonNullable<RecoveryReport['secondChat']> = { chat, report: null, failure: null }
  report.secondChat = second
  try {
    const recovery = await openChat(setup, { chat, documents: reading.documents, first: main })
    if (recovery.report.chatId === report.chatId) throw leftAlone('it is the first chat')
    const { catalogId, isEmpty: isFresh } = await catalogIdentity(database)
    const owner = recovery.search.index ?? recovery.search.owner
    if (owner && !isFresh && owner.catalogId !== catalogId) throw leftAlone(FOREIGN)
    second.report = recovery.report
    await readChat(recovery)
    return recovery
  } catch (error) {
    const { code, message } = describeError(error)
    if (signal.aborted || code === 'CATALOG') throw error
    second.failure = message
    return undefined
  }
}

const FOREIGN =
  'it belongs to another catalog, and was left alone; to merge it into this one, recover with TELEGRAM_CHAT_ID set to it'

function leftAlone(why: string): BackupError {
  return new BackupError(why, { code: 'CONFIGURATION' })
}

/**
 * The chats in which anything of ours is become this catalog's, each with its index, unless something speaks against it.
 * Whether the first of them has its index now; what a second one lacks, reconcile writes.
 */
async function takeChats(all: readonly ChatRecovery[]): Promise<boolean> {
  const chats = all.filter(({ report, search }) => !isEmpty(report) || search.message !== undefined)
  const [first] = chats
  const signer = first?.search.signer ?? first?.reading.documents.signers.first ?? null
  for (const { report, reading } of all) {
    report.signer = signer
    report.signerIsOwn = reading.documents.signers.isOwn(signer)
    report.otherSigners = reading.documents.signers.others
  }
  if (first === undefined || signer === null) return false
  const doubt = chats.map(doubtAbout).find(words => words !== undefined)
  if (doubt !== undefined) {
    for (const { report } of chats) report.indexFailure = doubt
    return false
  }
  const indexes = chats.flatMap(recovery => recovery.indexes)
  for (const { report } of chats) report.hasIndex = indexes.length > 0
  const { database, nextRun } = first.setup
  first.report.plans = await recoverPlans(database, indexes, { now: new Date(), nextRun })
  // Of all chats first, since their indexes name the generation.
  const [toTake, ...others] = chats.flatMap(claimOn)
  const owner = toTake
    ? await takeChatsOver({ ...first.setup, vault: first.vault }, [toTake, ...others])
    : null
  for (const recovery of chats) {
    recovery.report.owner = owner
    await takeChat(recovery)
  }
  return first.report.indexFailure === null
}

/** What is left out now would be missing in the new index, and the next recover would not look for it. */
function doubtAbout({ report, reading, left, search }: ChatRecovery): string | undefined {
  const { others, first } = reading.documents.signers
  if (report.signerWasGiven && search.index === undefined && search.disbelieved) {
    const { messageId, signer } = search.disbelieved
    return (
      `its index (message ${messageId}) is signed by ${signer}, which --signer does not name, and it would be replaced. If a machine of ` +
      `yours has recovered since the card was printed, this is its key: add --signer ${signer}. If it is nobody’s of yours, delete that message in Telegram`
    )
  }
  if (!report.signerWasGiven && others.length > 0) {
    return `some is signed by ${first}, some by ${others.join(', ')}; name those to believe with --signer, and the chat is taken over`
  }
  if (!report.signerWasGiven && report.refused.length > 0)
    return 'manifests were refused; name the keys to believe with --signer, and the chat is taken over'
  if (left.unread === 0) return undefined
  return `${left.unread} messages far below the others were not read, and some may be of ours; "recover --whole-chat" reads all`
}

function claimOn(recovery: ChatRecovery): ChatToTake[] {
  const { search, reading } = recovery
  const owner = ownerOf(recovery)
  return owner === undefined ? [] : [{ owner, search, chatId: reading.reader.chatId }]
}

/**
 * The new index; then what runs that began before it have sent since, which that index lacks. That it is drawn at the end, or
 * looked at, also tells of two machines that take the chat over at once which of them has it.
 */
async function takeChat(recovery: ChatRecovery): Promise<void> {
  const { setup, vault, search, reading, report } = recovery
  const { database, client, identities, signal } = setup
  const { reader } = reading
  try {
    const encryption = await encryptionFor(setup.encryption, identities)
    const signingKey = await setup.signingKey()
    await noteErased(recovery)
    await writeIndex({ database, client, vault, reader, search, encryption, signingKey, signal })
    await readLatecomers(recovery)
    await refreshIndex(client, vault, { chatId: reader.chatId, encryption, signingKey, signal })
  } catch (error) {
    if (signal.aborted) throw error
    report.indexFailure = describeError(error).message
  }
}

/** What this catalog knew of before, and the chat does not have any more; only an index that is believed tells. */
async function noteErased({ setup, vault, search, reading, report }: ChatRecovery): Promise<void> {
  if (search.index === undefined) return
  const { client, database, signal } = setup
  const of = { client, vault, database, chatId: reading.reader.chatId, signal }
  const found = new Set(report.backups.map(({ id }) => id))
  for (const { id, project_id } of await noteErasedBackups(of, found)) {
    report.notes.push(`Backup ${id} of ${project_id} was erased since by another machine.`)
  }
}

function nothingOfOurs({ chatTitle, notes, unread }: RecoveryReport): BackupError {
  return new BackupError(`The chat “${chatTitle}” holds nothing of this program. ${notes.join(' ')}`.trim(), {
    code: 'NOT_FOUND',
    hint:
      unread > 0
        ? `${unread} messages that this bot did not send were not read: run "telegram-backup recover --whole-chat".`
        : 'Check TELEGRAM_CHAT_ID; in a group, a bot sees only what was sent while it was a member.',
  })
}
