import { createHash } from 'node:crypto'
import { type ArchiveSummary, type SealedPart, sealManifest, writeArchive } from '@telegram-backup/archive'
import type { CallWait } from '#bot-api/call-policy.ts'
import { type BackupName, backupFileName } from '#messages/file-names.ts'
import type { BackupMetadata, BackupSendResult, SentPart } from '#services/backup-metadata.ts'
import { finishSource, type SourceEnd } from '#services/backup-source.ts'
import { LargePartProof } from '#services/large-part-proof.ts'
import { MessageDrafts } from '#services/message-drafts.ts'
import { MessageSender } from '#services/message-sender.ts'
import type { LedgerContext } from '#services/part-ledger.ts'
import { type PreparedChat, prepareChat } from '#services/prepare-chat.ts'
import { ProgressReport } from '#services/progress-report.ts'
import { Replica } from '#services/replica.ts'
import { resumeArchive } from '#services/resumed-send.ts'
import { describeBackup, describeManifest, describeSealed, type RunRecord } from '#services/run-record.ts'
import type { SendRunOptions } from '#services/send-run-options.ts'
import { cancelled, leaseLost } from '#telegram-error.ts'

/** The checked chat, with the backup opened in the ledger. */
interface Opened {
  chat: PreparedChat
  context: LedgerContext | undefined
  sender: MessageSender
}

interface PartsSent {
  opened: Opened
  summary: ArchiveSummary
  end: SourceEnd
}

interface Sealed {
  opened: Opened
  record: RunRecord
  manifest: Buffer
}

/**
 * One send, from the open source to the manifest in the chat; the steps are those of `docs/protocol.md`. Each
 * message is recorded before it is sent and again when it is proven. After a failure, known messages are
 * erased. Never rejects.
 */
export async function runSend(options: SendRunOptions): Promise<BackupSendResult> {
  return new SendRun(options).run()
}

class SendRun {
  readonly #options: SendRunOptions
  readonly #name: BackupName
  readonly #drafts: MessageDrafts
  readonly #largeParts: LargePartProof
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #parts = new Map<number, SentPart>()
  readonly #progress: ProgressReport
  #failure: { error: unknown } | undefined
  #isInLedger = false
  #isSealed = false
  #sender: MessageSender | undefined
  #replica: Replica | undefined

  constructor(options: SendRunOptions) {
    const { client, ledger, source, resume } = options
    this.#options = options
    this.#name = {
      project: options.projectId,
      type: options.type,
      createdAt: resume?.createdAt ?? new Date(),
      id: options.id,
      filename: source.filename,
    }
    for (const { plainSha256: _, ...part } of resume?.parts ?? []) this.#parts.set(part.number, part)
    this.#drafts = new MessageDrafts(options, this.#name)
    this.#largeParts = new LargePartProof(client)
    this.#progress = new ProgressReport({
      source,
      onProgress: options.onProgress,
      onFailure: error => this.#fail(error),
    })
    this.#signal = AbortSignal.any([this.#stop.signal, ...(options.signal ? [options.signal] : [])])
    ledger?.leaseLost.addEventListener('abort', () => this.#fail(leaseLost()))
  }

  async run(): Promise<BackupSendResult> {
    try {
      const sent = await this.#readAndSend()
      const sealed = await this.#sealBackup(sent)
      const metadata = await this.#sendManifest(sealed)
      await sealed.opened.sender.messages.eraseLateOnes(this.#signal)
      const replica = await this.#replica?.finish()
      return { success: true, metadata, replica }
    } catch (error) {
      return this.#takeBack(this.#fail(error))
    }
  }

  /** S1 to S6. Closes the source as soon as it is done or has failed. */
  async #readAndSend(): Promise<PartsSent> {
    const { source } = this.#options
    try {
      const sent = await this.#sendParts()
      const end = await finishSource(source, sent.summary.plainSize, this.#signal)
      return { ...sent, end }
    } catch (error) {
      throw this.#fail(error)
    } finally {
      await source.close()
    }
  }

  /** Sends the parts, several in flight. The chat is asked while the first part is made. */
  async #sendParts(): Promise<Omit<PartsSent, 'end'>> {
    const { client, source, id, projectId, type, partsInFlight, resume } = this.#options
    const archive = writeArchive(source.archiveSource, {
      backup: { id, project: projectId, type, filename: source.filename },
      encryption: this.#options.encryption,
      partSizeBytes: this.#options.partSizeBytes,
      resume: resume && resumeArchive(client, resume, this.#signal),
      signal: this.#signal,
      onProgress: plainBytesRead => this.#progress.read(plainBytesRead),
    })
    const opening = this.#openChat()
    opening.catch(error => this.#fail(error))
    const inFlight = new Set<Promise<void>>()
    try {
      for await (const part of archive) {
        this.#progress.packed(part.plainSize, part.bytes.length)
        const opened = await opening
        while (inFlight.size >= partsInFlight) await Promise.race(inFlight)
        this.#throwIfStopped()
        const sending: Promise<void> = this.#sendPart(part, opened)
          .catch(error => {
            this.#fail(error)
          })
          .finally(() => {
            part.release()
            inFlight.delete(sending)
          })
        inFlight.add(sending)
      }
    } catch (error) {
      this.#fail(error)
    }
    // Also after a failure: calls under way may still make a message or a row.
    await Promise.allSettled([opening, ...inFlight])
    this.#throwIfStopped()
    return { opened: await opening, summary: archive.summary }
  }

  /** S1 to S3 for each chat, then S4. */
  async #openChat(): Promise<Opened> {
    const { client, ledger, id, replicaChat } = this.#options
    const chat = await this.#prepareChat(this.#options.chat, this.#signal, wait =>
      this.#progress.waiting(wait),
    )
    this.#throwIfStopped()
    const context = await this.#openBackup(chat)
    const sender = new MessageSender({
      client,
      ledger,
      chatId: chat.chatId,
      backupId: id,
      onWait: wait => this.#progress.waiting(wait),
      onBytesOut: bytesOut => this.#progress.out(bytesOut),
    })
    this.#sender = sender
    // Without a catalog, nobody would know of the copies.
    if (replicaChat !== undefined && ledger?.vault) {
      this.#replica = new Replica({
        client,
        ledger,
        backupId: id,
        chatName: replicaChat,
        prepare: signal => this.#prepareChat(replicaChat, signal, () => {}),
        caption: (draft, { indexMessageId }) =>
          this.#drafts.caption(draft, { identity: context, indexMessageId }),
        signal: this.#signal,
      })
    }
    return { chat, context, sender }
  }

  #prepareChat(chat: string, signal: AbortSignal, onWait: (wait: CallWait) => void): Promise<PreparedChat> {
    const { client, ledger, encryption, signingKey } = this.#options
    return prepareChat(client, { chat, vault: ledger?.vault, encryption, signingKey, signal, onWait })
  }

  async #openBackup({ chatId }: PreparedChat): Promise<LedgerContext | undefined> {
    const { client, ledger, source, resume } = this.#options
    const context = await (resume
      ? ledger?.reopenBackup({ backupId: resume.backupId })
      : ledger?.openBackup({
          backupId: this.#options.id,
          project: this.#options.projectId,
          type: this.#options.type,
          filename: backupFileName(this.#name),
          chatId,
          botId: client.botId,
          createdAt: this.#name.createdAt,
          expiresAt: this.#options.expiresAt,
          caption: this.#options.caption,
          encrypted: this.#options.encryption !== 'off',
          source: { ...source.facts, filename: source.filename },
        }))
    this.#isInLedger = ledger !== undefined
    const earlier = context?.recentMessages ?? []
    client.countEarlierMessages(chatId, { run: this.#options.id, earlier })
    return context
  }

  /** S5. */
  async #sendPart(part: SealedPart, { chat, context, sender }: Opened): Promise<void> {
    const { number, bytes, plainOffset, plainSize } = part
    const draft = this.#drafts.part(part)
    const { indexMessageId } = chat
    const caption = this.#drafts.caption(draft, { identity: context, indexMessageId })
    const sent = await sender.send({ facts: draft.facts, caption, document: { bytes } }, this.#signal)
    await this.#largeParts.prove(sent, this.#signal)
    this.#parts.set(number, { number, ...sent, plainOffset, plainSize })
    this.#progress.sent(this.#parts.size)
    this.#replica?.copy(draft, sent, chat)
  }

  /** S7: from here on, another process can finish the backup, without its key or source. */
  async #sealBackup({ opened, summary, end }: PartsSent): Promise<Sealed> {
    const { encryption, signingKey, ledger } = this.#options
    const record: RunRecord = {
      options: this.#options,
      name: this.#name,
      chatId: opened.chat.chatId,
      context: opened.context,
      summary,
      facts: { ...this.#options.source.facts, ...end.facts },
      members: end.members,
      parts: [...this.#parts.values()].sort((a, b) => a.number - b.number),
      completedAt: new Date(),
    }
    const manifest = await sealManifest(await describeManifest(record), { encryption, signingKey })
    // Set first: the answer may be lost.
    this.#isSealed = ledger !== undefined
    await ledger?.sealBackup(describeSealed(record, manifest))
    return { opened, record, manifest }
  }

  /** S8: the manifest, the commit mark in the chat, goes last. */
  async #sendManifest({ opened, record, manifest }: Sealed): Promise<BackupMetadata> {
    const { chat, context, sender } = opened
    const sha256 = createHash('sha256').update(manifest).digest('hex')
    const draft = this.#drafts.manifest({ sizeBytes: manifest.length, sha256 })
    const { indexMessageId } = chat
    const caption = this.#drafts.caption(draft, { identity: context, indexMessageId })
    this.#throwIfStopped()
    const sent = await sender.send(
      { facts: draft.facts, caption, document: { bytes: manifest } },
      this.#signal,
    )
    this.#replica?.copy(draft, sent, chat)
    return describeBackup(record, sent)
  }

  /** Returns the first failure: later ones follow from it. */
  #fail(error: unknown): unknown {
    this.#failure ??= { error: this.#options.signal?.aborted ? cancelled() : error }
    this.#stop.abort()
    return this.#failure.error
  }

  #throwIfStopped(): void {
    if (this.#failure) throw this.#failure.error
    if (this.#signal.aborted) throw cancelled()
  }

  async #takeBack(cause: unknown): Promise<BackupSendResult> {
    const { ledger, id } = this.#options
    const messages = this.#sender?.messages
    await this.#replica?.stop()
    const giveUp = async (): Promise<void> => {
      if (this.#isSealed) await ledger?.unsealBackup({ backupId: id })
      this.#isSealed = false
    }
    const left = (await messages?.takeBack(giveUp)) ?? 0
    // A backup that another process may finish keeps its copies.
    const mayBeWhole = this.#isSealed || (messages?.manifestMayBeThere ?? false)
    const leftInChat = left + (mayBeWhole ? 0 : ((await this.#replica?.takeBack()) ?? 0))
    const reason = cause instanceof Error ? cause.message : String(cause)
    const leftover = leftInChat === 0 ? '' : `; ${leftInChat} message(s) may still be in the chat`
    const result = { success: false, error: reason + leftover, cause, leftInChat }
    // A backup that may be complete has not failed; without the lease, it is another process's.
    if (this.#isInLedger && !mayBeWhole && ledger?.holdsLease()) {
      await ledger.failBackup({ backupId: id, cause, leftover }).catch(() => {})
    }
    return result
  }
}
