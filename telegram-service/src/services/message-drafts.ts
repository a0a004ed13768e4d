import type { SealedPart } from '@telegram-backup/archive'
import { type CaptionFacts, writeCaption } from '#messages/captions.ts'
import { type BackupName, manifestFileName, partFileName } from '#messages/file-names.ts'
import type { MessageFacts } from '#services/message-sender.ts'
import type { SendRunOptions } from '#services/send-run-options.ts'
import type { VaultIdentity } from '#services/vault-ledger.ts'

/** A message, before its chat is known. */
export interface MessageDraft {
  facts: MessageFacts
  content: CaptionFacts['content']
}

/** The chat, for captions; empty without a catalog. */
export interface CaptionedChat {
  identity: VaultIdentity | undefined
  indexMessageId: number | undefined
}

export class MessageDrafts {
  readonly #options: SendRunOptions
  readonly #name: BackupName

  constructor(options: SendRunOptions, name: BackupName) {
    this.#options = options
    this.#name = name
  }

  part(part: SealedPart): MessageDraft {
    const { number, last, bytes, sha256, plainOffset, plainSize, plainSha256 } = part
    return {
      facts: {
        kind: 'part',
        partNumber: number,
        fileName: partFileName(this.#name, { number, last, encrypted: this.#isEncrypted }),
        sizeBytes: bytes.length,
        sha256,
        plainOffset,
        plainSize,
        plainSha256,
      },
      content: { kind: 'part', number, last },
    }
  }

  manifest(manifest: { sizeBytes: number; sha256: string }): MessageDraft {
    const fileName = manifestFileName(this.#name, this.#isEncrypted)
    return {
      facts: { kind: 'manifest', partNumber: 0, fileName, ...manifest },
      content: { kind: 'manifest' },
    }
  }

  caption({ content, facts }: MessageDraft, { identity, indexMessageId }: CaptionedChat): string {
    return writeCaption({
      project: this.#options.projectId,
      type: this.#options.type,
      createdAt: this.#name.createdAt,
      backupId: this.#options.id,
      content,
      sha256: facts.sha256,
      catalog: identity && { id: identity.catalogId, generation: identity.generation },
      indexMessageId,
      caption: this.#options.caption,
    })
  }

  get #isEncrypted(): boolean {
    return this.#options.encryption !== 'off'
  }
}
