import { describeError, hint, option, run } from '@telegram-backup/errors'
import { refreshIndex } from 'telegram-deployment-bot'
import { noteErasedBackups } from '#recover/erased-elsewhere.ts'
import { encryptionFor, type Owner, ownerOf, takeChatsOver, writeIndex } from '#recover/ownership.ts'
import { type ReadChat, readLatecomers } from '#recover/read-chat.ts'
import { backupsOf, refusedOf } from '#recover/record-backup.ts'
import { recordRefused } from '#recover/record-captioned.ts'
import { recordBuckets } from '#recover/recorded-buckets.ts'
import { type RecoveredPlans, recoverPlans } from '#recover/recovered-plans.ts'
import type { RecoveryTools } from '#recover/recovery-setup.ts'

/** The believed keys, and what speaks against taking the chats over. */
export interface Judgement {
  /** Fingerprint of the believed key; null when nothing signed was read. */
  readonly signer: string | null
  readonly signerIsOwn: boolean
  /** A key that a person named led to it, by naming its successor. */
  readonly signerIsSuccessor: boolean
  /** Fingerprints of keys with valid signatures that are not believed. */
  readonly otherSigners: readonly string[]
  /** Why the chats are not taken over; undefined when nothing speaks against it. */
  readonly doubt: string | undefined
}

/** A chat after the takeover, or as it was left. */
export interface TakenChat extends ReadChat {
  /** The owner of the chat now; null when it was not taken over. */
  readonly owner: Owner | null
  /** An index was read in some chat that was taken over. */
  readonly hasIndex: boolean
  /** The plans of the newest index, for the first chat that was taken over; else null. */
  readonly plans: RecoveredPlans | null
  /** Why the new index is not in the chat; null when it is, or when none was to be written. */
  readonly indexFailure: string | null
}

/** Stage 5: which signatures are believed, and what speaks against taking the chats over. */
export function judgeSigners({ documents }: RecoveryTools, all: readonly ReadChat[]): Judgement {
  const { signers } = documents
  const chats = all.filter(isToBeTaken)
  const signer = chats[0]?.search.signer ?? (chats.length > 0 ? signers.first : undefined) ?? null
  const doubt = chats.map(chat => doubtAbout(chat, signers)).find(words => words !== undefined)
  const signerIsOwn = signers.isOwn(signer)
  const signerIsSuccessor = signers.areGiven && signer !== null && !signerIsOwn && !signers.isGiven(signer)
  return { signer, signerIsOwn, signerIsSuccessor, otherSigners: signers.others, doubt }
}

/** Neither an index, nor a backup, nor a manifest, nor evidence, nor a pack was found. */
export function hasNothingOfOurs({ search, recorded, evidence, scan }: ReadChat): boolean {
  const isEmpty = recorded.length === 0 && evidence.length === 0 && scan.packs.length === 0
  return search.index === undefined && isEmpty
}

const NAME_SIGNERS = String(
  hint`name the keys to believe with ${option('signer')}, and the chat is taken over`,
)

function isToBeTaken(chat: ReadChat): boolean {
  return !hasNothingOfOurs(chat) || chat.search.message !== undefined
}

/** What is left out now would miss in the new index, and the next recovery would not look for it. */
function doubtAbout(
  { search, recorded, scan }: ReadChat,
  { areGiven, first, others, forks }: RecoveryTools['documents']['signers'],
): string | undefined {
  const [fork] = forks
  if (fork !== undefined) {
    return String(
      hint`the key ${fork.key} has named several keys to sign after it (${fork.successors.join(', ')}), so somebody else has had it, or two machines have changed it. Name only the one that is yours with ${option('signer', 'FINGERPRINT')}, and no earlier key; your newest recovery card has it`,
    )
  }
  if (areGiven && search.index === undefined && search.disbelieved) {
    const { messageId, signer } = search.disbelieved
    return String(
      hint`its index (message ${messageId}) is signed by ${signer}, which ${option('signer')} does not name. A takeover would replace this index. If a machine of yours has recovered since the card was printed, the key belongs to that machine: add ${option('signer', signer)}. If the key is not yours, delete that message in Telegram`,
    )
  }
  if (!areGiven && others.length > 0) {
    return `some data is signed by ${first}, other data by ${others.join(', ')}; ${NAME_SIGNERS}`
  }
  if (!areGiven && refusedOf(recorded).length > 0) return `manifests were refused; ${NAME_SIGNERS}`
  if (scan.unread === 0) return undefined
  const readAll = run('recover', { 'whole-chat': true })
  return String(
    hint`${scan.unread} messages far below the others were not read, and some of them may come from this program; "${readAll}" reads all`,
  )
}

/**
 * Stage 6: takes over the chats that hold anything of ours, unless there is a doubt, and writes an index into
 * each. `isTaken`: the first of them has its index; reconcile writes a missing second one. The order of the
 * chats stays.
 */
export async function takeChats(
  tools: RecoveryTools,
  all: readonly ReadChat[],
  { signer, doubt }: Judgement,
): Promise<{ chats: TakenChat[]; isTaken: boolean }> {
  const toTake = all.filter(isToBeTaken)
  if (toTake.length === 0 || signer === null) return { chats: all.map(chat => left(chat)), isTaken: false }
  if (doubt !== undefined) {
    const chats = all.map(chat => left(chat, toTake.includes(chat) ? doubt : null))
    return { chats, isTaken: false }
  }
  const indexes = toTake.flatMap(chat => chat.indexes)
  const { database, nextRun } = tools
  const plans = await recoverPlans(database, indexes, { now: new Date(), nextRun })
  // For all chats together and before any index is written, since each index names the generation.
  const owner = await takeGeneration(tools, toTake)
  const chats: TakenChat[] = []
  for (const chat of all) {
    if (!toTake.includes(chat)) chats.push(left(chat))
    else {
      const of = { owner, hasIndex: indexes.length > 0, plans: chat === toTake[0] ? plans : null }
      chats.push(await takeChat(tools, { ...chat, ...of, indexFailure: null }))
    }
  }
  const first = chats.find(isToBeTaken)
  return { chats, isTaken: first?.indexFailure === null }
}

function left(chat: ReadChat, indexFailure: string | null = null): TakenChat {
  return { ...chat, owner: null, hasIndex: false, plans: null, indexFailure }
}

async function takeGeneration(tools: RecoveryTools, chats: readonly ReadChat[]): Promise<Owner | null> {
  const [claim, ...others] = chats.flatMap(({ search, captionOwner, reader }) => {
    const owner = ownerOf(tools.documents, search, captionOwner)
    return owner === undefined ? [] : [{ owner, search, chatId: reader.chatId }]
  })
  return claim === undefined ? null : await takeChatsOver(tools, [claim, ...others])
}

/**
 * Writes the new index; then reads what earlier runs have sent since, and draws the index again. That last
 * drawing also decides which of two machines that take the chat over at once gets it.
 */
async function takeChat(tools: RecoveryTools, chat: TakenChat): Promise<TakenChat> {
  const { client, vault, identities, signal } = tools
  const { reader, search } = chat
  let taken: TakenChat = chat
  try {
    const encryption = await encryptionFor(tools.encryption, identities)
    const seal = { encryption, signingKey: await tools.signingKey() }
    taken = { ...taken, notes: [...taken.notes, ...(await noteErased(tools, chat))] }
    await writeIndex(tools, { reader, search, seal })
    taken = await readLatecomers(tools, taken)
    if (taken.failure !== undefined) throw taken.failure
    taken = await recordRefused(tools, taken)
    await recordBuckets(tools, [taken])
    await refreshIndex(client, vault, { chatId: reader.chatId, ...seal, signal })
    return taken
  } catch (error) {
    if (signal.aborted) throw error
    return { ...taken, indexFailure: describeError(error).message }
  }
}

/** Known backups that the chat does not have any more. Only a believed index shows that. */
async function noteErased(tools: RecoveryTools, { search, recorded, reader }: ReadChat): Promise<string[]> {
  if (search.index === undefined) return []
  const { client, vault, database, signal } = tools
  const of = { client, vault, database, chatId: reader.chatId, signal }
  const found = new Set(backupsOf(recorded).map(({ id }) => id))
  const erased = await noteErasedBackups(of, found)
  return erased.map(
    ({ id, project_id }) => `Backup ${id} of ${project_id} was erased since by another machine.`,
  )
}
