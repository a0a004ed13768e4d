import { createHash } from 'node:crypto'
import { type ArchiveSummary, type SealedPart, sealManifest, writeArchive } from '@telegram-backup/archive'
import { PUBLIC_FETCH_LIMIT_BYTES } from '#bot-api/telegram-client.ts'
import { type CaptionFacts, writeCaption } from '#messages/captions.ts'
import { type BackupName, backupFileName, manifestFileName, partFileName } from '#messages/file-names.ts'
import type { BackupMetadata, BackupSendResult, SentMessage, SentPart } from '#services/backup-metadata.ts'
import { finishSource, type SourceEnd } from '#services/backup-source.ts'
import { checkChatAccess } from '#services/chat-access.ts'
import { MessageSender } from '#services/message-sender.ts'
import type { LedgerContext, MessageKey } from '#services/part-ledger.ts'
import { ProgressReport } from '#services/progress-report.ts'
import { describeBackup, describeManifest } from '#services/run-record.ts'
import type { SendRunOptions } from '#services/send-run-options.ts'
import { cancelled, TelegramError } from '#telegram-error.ts'

/** Where the run sends to, once the chat was asked and the ledger has the backup. */
interface Opened {
  chatId: string
  context: LedgerContext | undefined
}

/** What there is when the last part is proven. */
interface PartsSent {
  opened: Opened
  summary: ArchiveSummary
  end: SourceEnd
}

/**
 * One send, from the open source to the manifest in the chat. Each message is written down before it is sent and again
 * when it is proven. When anything fails, what is known to be in the chat is erased again. Never rejects.
 */
export async function runSend(options: SendRunOptions): Promise<BackupSendResult> {
  return new SendRun(options).run()
}

class SendRun {
  readonly #options: SendRunOptions
  readonly #encrypted: boolean
  readonly #name: BackupName
  readonly #sender: MessageSender
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #parts = new Map<number, SentPart>()
  readonly #progress: ProgressReport
  #failure: { error: unknown } | undefined
  #isInLedger = false
  #largePartsComeBack = false

  constructor(options: SendRunOptions) {
    const { client, ledger, source } = options
    this.#options = options
    this.#encrypted = options.encryption !== 'off'
    this.#name = {
      project: options.projectId,
      type: options.type,
      createdAt: new Date(),
      id: options.id,
      filename: source.filename,
    }
    this.#progress = new ProgressReport({
      source,
      onProgress: options.onProgress,
      onFailure: error => this.#fail(error),
    })
    this.#sender = new MessageSender({
      client,
      ledger,
      onWait: wait => this.#progress.waiting(wait),
      onBytesOut: bytesOut => this.#progress.out(bytesOut),
    })
    this.#signal = AbortSignal.any([this.#stop.signal, ...(options.signal ? [options.signal] : [])])
  }

  async run(): Promise<BackupSendResult> {
    try {
      const sent = await this.#readAndSend()
      return { success: true, metadata: await this.#sendManifest(sent) }
    } catch (error) {
      return this.#takeBack(this.#fail(error))
    }
  }

  /** From the first byte of the source to its last word. A source that is done, or no good, need not wait for the rest. */
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

  /** The parts, several in flight. The chat is asked while the first part is being made. */
  async #sendParts(): Promise<Omit<PartsSent, 'end'>> {
    const { source, id, projectId, type, partsInFlight } = this.#options
    const archive = writeArchive(source.archiveSource, {
      backup: { id, project: projectId, type, filename: source.filename },
      encryption: this.#options.encryption,
      partSizeBytes: this.#options.partSizeBytes,
      signal: this.#signal,
      onProgress: plainBytesRead => this.#progress.read(plainBytesRead),
    })
    const opening = this.#open()
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
    // Also after a failure: what is under way may still put a message into the chat, or a row into the ledger.
    await Promise.allSettled([opening, ...inFlight])
    this.#throwIfStopped()
    return { opened: await opening, summary: archive.summary }
  }

  async #open(): Promise<Opened> {
    const { client, ledger, source } = this.#options
    const { chatId } = await checkChatAccess(client, this.#options.chat, {
      signal: this.#signal,
      onWait: wait => this.#progress.waiting(wait),
    })
    this.#throwIfStopped()
    const context = await ledger?.openBackup({
      backupId: this.#options.id,
      project: this.#options.projectId,
      type: this.#options.type,
      filename: backupFileName(this.#name),
      chatId,
      botId: client.botId,
      createdAt: this.#name.createdAt,
      expiresAt: this.#options.expiresAt,
      caption: this.#options.caption,
      encrypted: this.#encrypted,
      source: { ...source.facts, filename: source.filename },
    })
    this.#isInLedger = ledger !== undefined
    if (context?.recentAgesMs) client.countEarlierMessages(chatId, context.recentAgesMs)
    return { chatId, context }
  }

  async #sendPart(part: SealedPart, opened: Opened): Promise<void> {
    const { number, last, bytes, sha256, plainOffset, plainSize } = part
    const sent = await this.#sender.send(
      {
        ...this.#key(opened, 'part', number),
        fileName: partFileName(this.#name, { number, last, encrypted: this.#encrypted }),
        caption: this.#caption({ kind: 'part', number, last }, { sha256, opened }),
        bytes,
        sha256,
        plainOffset,
        plainSize,
      },
      this.#signal,
    )
    await this.#proveFetchable(sent)
    this.#parts.set(number, { number, ...sent, plainOffset, plainSize })
    this.#progress.sent(this.#parts.size)
  }

  /** A server of one's own may give back more than the public one; whether it does is asked of the first such part. */
  async #proveFetchable(sent: SentMessage): Promise<void> {
    if (this.#largePartsComeBack || sent.size <= PUBLIC_FETCH_LIMIT_BYTES) return
    await this.#options.client.locateFile(sent.fileId, { signal: this.#signal }).catch((error: unknown) => {
      if (!(error instanceof TelegramError) || error.code !== 'REFUSED') throw error
      throw new TelegramError(
        `The Bot API server took a part of ${sent.size} bytes, but would not give it back: ${error.description}`,
        'CONFIGURATION',
        { cause: error, hint: 'Unset TELEGRAM_PART_SIZE, or run the Bot API server with --local.' },
      )
    })
    this.#largePartsComeBack = true
  }

  /** The manifest is the commit mark in the chat, so it goes last. */
  async #sendManifest({ opened, summary, end }: PartsSent): Promise<BackupMetadata> {
    const { encryption, signingKey } = this.#options
    const record = {
      options: this.#options,
      name: this.#name,
      ...opened,
      summary,
      facts: { ...this.#options.source.facts, ...end.facts },
      members: end.members,
      parts: [...this.#parts.values()].sort((a, b) => a.number - b.number),
      completedAt: new Date(),
    }
    const bytes = await sealManifest(describeManifest(record), { encryption, signingKey })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const manifest = await this.#sender.send(
      {
        ...this.#key(opened, 'manifest', 0),
        fileName: manifestFileName(this.#name, this.#encrypted),
        caption: this.#caption({ kind: 'manifest' }, { sha256, opened }),
        bytes,
        sha256,
      },
      this.#signal,
    )
    return describeBackup(record, manifest)
  }

  #key(opened: Opened, kind: MessageKey['kind'], partNumber: number): MessageKey {
    return { backupId: this.#options.id, chatId: opened.chatId, kind, partNumber }
  }

  #caption(content: CaptionFacts['content'], of: { sha256: string; opened: Opened }): string {
    const { context } = of.opened
    return writeCaption({
      project: this.#options.projectId,
      type: this.#options.type,
      createdAt: this.#name.createdAt,
      backupId: this.#options.id,
      content,
      sha256: of.sha256,
      catalog: context && { id: context.catalogId, generation: context.generation },
      caption: this.#options.caption,
    })
  }

  /** The first failure counts, and is returned; those that follow from stopping the rest do not. */
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
    const leftInChat = await this.#sender.takeBack()
    const reason = cause instanceof Error ? cause.message : String(cause)
    const rest = leftInChat === 0 ? '' : `; ${leftInChat} message(s) may still be in the chat`
    const result = { success: false, error: reason + rest, cause, leftInChat }
    // A backup that may be whole is not a failed one.
    if (this.#isInLedger && !this.#sender.manifestMayBeThere) {
      await this.#options.ledger
        ?.failBackup({ backupId: this.#options.id, reason: result.error })
        .catch(() => {})
    }
    return result
  }
}
