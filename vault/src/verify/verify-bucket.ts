import { openPack } from '@telegram-backup/archive'
import {
  type Bucket,
  bucketById,
  type HeldPack,
  type HeldPackMessage,
  heldPacks,
  longestUnreadPacks,
  lostObjects,
  markPackMessage,
  notePackDamaged,
  notePackVerified,
  piecesOf,
} from '@telegram-backup/database'
import { BackupError, describeError, hint, run } from '@telegram-backup/errors'
import { repairBuckets } from '#objects/reconcile/repair-buckets.ts'
import { SessionReport } from '#session/report.ts'
import { cancelled, endsEverything, type VaultSession } from '#session/session.ts'
import type { BucketVerification, PackFinding } from '#verify/bucket-report.ts'
import { ObjectHashes } from '#verify/object-hashes.ts'
import { type PlacedPackMessage, packFinding, readPackDocument } from '#verify/read-pack-document.ts'
import type { Unproven } from '#verify/verification-report.ts'

export interface VerifyBucket {
  bucketId: string
  /** Reads every byte; otherwise checks only that the messages exist. */
  readData: boolean
  /** Reads only so many packs, those that were unread for the longest time; otherwise all. */
  packs?: number | undefined
  /** Called for each pack; must not throw. */
  onProgress?: ((progress: { packs: number; bytes: number }) => void) | undefined
}

/** Packs that are taken from the catalog at once. */
const PACKS_AT_ONCE = 500
/** Keys of lost objects that a report names. */
const MOST_LOST_KEYS = 100

/**
 * Verifies the packs of a bucket in each of their chats, records the findings, and repairs from the other
 * chat what one has lost. With `readData` every byte in every chat is read; with a private key the packs are
 * opened to the end, and live objects are compared with their SHA-256. Packs that are erased meanwhile are no
 * findings.
 *
 * Throws `NOT_FOUND` for an unknown bucket, and the errors that prevented it (`UNREACHABLE`, `CATALOG`,
 * `CANCELLED`…).
 */
export async function verifyBucket(session: VaultSession, of: VerifyBucket): Promise<BucketVerification> {
  const bucket = await bucketById(session.database, of.bucketId)
  if (bucket === null || bucket.removed_at !== null) {
    throw new BackupError(`There is no bucket ${of.bucketId}`, {
      code: 'NOT_FOUND',
      hint: hint`${run('bucket list')} lists the buckets.`,
    })
  }
  const work = new BucketWork(session, of)
  await work.verifyAll()
  await work.repair()
  return await work.report(bucket)
}

/** How the messages of a chat are addressed. */
interface EnteredChat {
  /** The new id of a group that has become a supergroup. */
  movedTo: string | undefined
  /**
   * Private chats and basic groups number messages for each bot: the same id is another message to this bot.
   */
  hasOwnNumbers: boolean
}

class BucketWork {
  readonly #session: VaultSession
  readonly #of: VerifyBucket
  readonly #hashes = new ObjectHashes()
  readonly #findings: PackFinding[] = []
  readonly #unproven: Unproven[] = []
  /** Null for a chat that cannot be verified. */
  readonly #chats = new Map<string, EnteredChat | null>()
  #identities: readonly string[] | undefined
  #packs = 0
  #messages = 0
  #bytes = 0
  #opened = 0

  constructor(session: VaultSession, of: VerifyBucket) {
    this.#session = session
    this.#of = of
  }

  async verifyAll(): Promise<void> {
    const { database, identities } = this.#session
    const { bucketId, readData } = this.#of
    if (readData) this.#identities = await identities?.()
    if (this.#of.packs !== undefined) {
      const packs = await longestUnreadPacks(database, { bucketId, limit: this.#of.packs })
      for (const pack of packs) await this.#verify(pack)
      return
    }
    for (let after = 0; ; ) {
      const packs = await heldPacks(database, { bucketId, after, limit: PACKS_AT_ONCE })
      for (const pack of packs) await this.#verify(pack)
      const last = packs.at(-1)
      if (last === undefined || packs.length < PACKS_AT_ONCE) return
      after = last.sequence
    }
  }

  /** Copies back what one chat has lost and another has; a process that tends the bucket does so itself. */
  async repair(): Promise<void> {
    if (this.#findings.length === 0) return
    const { bucketId } = this.#of
    const session = { ...this.#session, report: new SessionReport() }
    await repairBuckets(session, { bucketId })
    const { packs, pending } = session.report
    for (const { outcome, pack_id, chat_id } of packs) {
      if (outcome !== 'mended') continue
      for (const finding of this.#findings)
        if (finding.pack_id === pack_id && finding.chat_id === chat_id) finding.mended = true
    }
    for (const { chat_id = '', code = 'UNPROVEN', reason } of pending)
      this.#unproven.push({ chat_id, code, reason: `nothing was repaired: ${reason}` })
  }

  async report(bucket: Bucket): Promise<BucketVerification> {
    const { readData, bucketId } = this.#of
    const lost = await lostObjects(this.#session.database, { bucketId, limit: MOST_LOST_KEYS })
    const isLeft = this.#findings.some(({ mended }) => mended !== true)
    return {
      bucket_id: bucketId,
      bucket: bucket.name,
      state: isLeft || lost.count > 0 ? 'damaged' : this.#findings.length > 0 ? 'mended' : 'sound',
      depth: !readData ? 'messages' : this.#opened === this.#packs ? 'plain bytes' : 'sent bytes',
      packs: this.#packs,
      messages: this.#messages,
      bytes: this.#bytes,
      objects: this.#hashes.compared,
      findings: this.#findings,
      unproven: this.#unproven,
      lost: lost.count,
      lost_keys: lost.keys,
    }
  }

  async #verify(pack: HeldPack): Promise<void> {
    const { readData, onProgress } = this.#of
    const findings: PackFinding[] = []
    let isWhole = false
    for (const message of pack.messages) {
      if (this.#session.signal.aborted) throw cancelled()
      const chat = isPlaced(message) ? await this.#enter(message.chat_id) : null
      if (!isPlaced(message) || chat === null || this.#isOfAnother(message, chat)) continue
      this.#messages++
      const finding = readData
        ? await this.#read(pack, message, { chat, isOpenedYet: isWhole })
        : await this.#ask(pack, message, chat)
      if (finding !== undefined) findings.push(finding)
      else {
        isWhole = true
        if (message.state !== 'sent') await this.#mark(pack, message.chat_id, { state: 'sent' })
      }
    }
    this.#packs++
    onProgress?.({ packs: this.#packs, bytes: this.#bytes })
    await this.#note(pack, findings)
    if (readData && isWhole && findings.every(({ finding }) => finding !== 'contents'))
      await notePackVerified(this.#session.database, pack.id)
  }

  /** Undefined when the message exists. A group that has moved does not say. */
  async #ask(
    pack: HeldPack,
    message: PlacedPackMessage,
    { movedTo }: EnteredChat,
  ): Promise<PackFinding | undefined> {
    const { client, signal, onWait } = this.#session
    if (movedTo !== undefined) return undefined
    const { chat_id: chatId, message_id: messageId, state } = message
    const answer = await client.messageExists(chatId, messageId, { signal, onWait })
    if (answer === 'gone') return packFinding(pack, message, 'missing', 'is not in the chat any more')
    if (state !== 'damaged') return undefined
    return packFinding(
      pack,
      message,
      'damaged',
      'was found damaged, and only reading it can prove that it is not',
    )
  }

  async #read(
    pack: HeldPack,
    message: PlacedPackMessage,
    { chat, isOpenedYet }: { chat: EnteredChat; isOpenedYet: boolean },
  ): Promise<PackFinding | undefined> {
    const read = await readPackDocument(this.#session, pack, message, chat.movedTo)
    if ('finding' in read) return read.finding
    this.#bytes += read.bytes.length
    return isOpenedYet ? undefined : await this.#open(pack, message, read.bytes)
  }

  /** Opens it to the end, and compares the objects in it. */
  async #open(pack: HeldPack, message: HeldPackMessage, bytes: Buffer): Promise<PackFinding | undefined> {
    const { encrypted, id, sha256 } = pack
    const identities = encrypted ? this.#identities : []
    if (identities === undefined) {
      this.#noteClosed(message.chat_id, {
        code: 'NO_KEY',
        message: 'there is no private key to open the packs',
      })
      return undefined
    }
    try {
      const expected = { pack: id, bucket: this.#of.bucketId, sha256 }
      const opened = await openPack(bytes, { encrypted, identities, expected })
      const pieces = await piecesOf(this.#session.database, id)
      const wrong = await this.#hashes.read(opened.read(), pieces)
      this.#opened++
      if (wrong.length === 0) return undefined
      const keys = wrong.map(({ key }) => JSON.stringify(key)).join(', ')
      return packFinding(pack, message, 'contents', `holds other bytes than those of ${keys}`)
    } catch (error) {
      const { code, message: reason } = describeError(error)
      if (code === 'WRONG_KEY' || code === 'NO_KEY') {
        this.#noteClosed(message.chat_id, { code, message: reason })
        return undefined
      }
      if (code !== 'INTEGRITY') throw error
      return packFinding(pack, message, 'contents', `does not open: ${reason}`)
    }
  }

  async #note(pack: HeldPack, findings: readonly PackFinding[]): Promise<void> {
    if (findings.length === 0) return
    const { database } = this.#session
    const [now] = await heldPacks(database, {
      bucketId: this.#of.bucketId,
      after: pack.sequence - 1,
      limit: 1,
    })
    // It was erased meanwhile.
    if (now?.id !== pack.id) return
    for (const { chat_id, finding, reason: error } of findings) {
      // Wrong contents are wrong in both chats, and a copy would be no better.
      if (finding === 'contents') await notePackDamaged(database, pack.id)
      else await this.#mark(pack, chat_id, { state: finding === 'missing' ? 'missing' : 'damaged', error })
    }
    this.#findings.push(...findings)
  }

  /** Not of a pack whose message was erased or replaced meanwhile. */
  async #mark(
    { id: packId }: HeldPack,
    chatId: string,
    mark: { state: 'sent' | 'missing' | 'damaged'; error?: string },
  ): Promise<void> {
    await markPackMessage(this.#session.database, { packId, chatId, ...mark }).catch((error: unknown) => {
      const { code } = describeError(error)
      if (code !== 'CONFLICT' && code !== 'NOT_FOUND') throw error
    })
  }

  async #enter(chatId: string): Promise<EnteredChat | null> {
    const known = this.#chats.get(chatId)
    if (known !== undefined) return known
    let chat: EnteredChat | null = null
    try {
      const { chatId: current, chatType } = await this.#session.gates.enter(chatId)
      const hasOwnNumbers = chatType === 'private' || chatType === 'group' || current !== chatId
      chat = { movedTo: current === chatId ? undefined : current, hasOwnNumbers }
    } catch (error) {
      if (endsEverything(this.#session, error)) throw error
      const { code, message: reason } = describeError(error)
      this.#unproven.push({ chat_id: chatId, code, reason })
    }
    this.#chats.set(chatId, chat)
    return chat
  }

  #isOfAnother({ bot_id, chat_id }: HeldPackMessage, { hasOwnNumbers }: EnteredChat): boolean {
    if (!hasOwnNumbers || bot_id === null || bot_id === this.#session.client.botId) return false
    const reason = 'Another bot sent packs, in a chat where each bot has its own message numbers'
    if (!this.#unproven.some(one => one.reason === reason))
      this.#unproven.push({ chat_id, code: 'UNPROVEN', reason })
    return true
  }

  /** Reported once: the same key opens no other pack either. */
  #noteClosed(chat_id: string, { code, message: reason }: { code: string; message: string }): void {
    if (!this.#unproven.some(one => one.code === code)) this.#unproven.push({ chat_id, code, reason })
  }
}

function isPlaced(message: HeldPackMessage): message is PlacedPackMessage {
  return message.message_id !== null
}
