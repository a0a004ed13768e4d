import type { Encryption, PackWork, SigningKey } from '@telegram-backup/archive'
import type { CallWait } from 'telegram-deployment-bot'
import type { FillingPacks } from '#objects/fill/filling-packs.ts'
import type { PackWriter } from '#objects/fill/pack-writer.ts'
import type { PackChats } from '#objects/messages/pack-chats.ts'
import type { PackTools } from '#objects/messages/pack-messages.ts'
import type { PackSender } from '#objects/messages/pack-sender.ts'
import type { Writer } from '#objects/messages/writer.ts'
import type { ObjectReader } from '#objects/read/object-reader.ts'
import type { SecondChat } from '#objects/reconcile/second-chat.ts'
import type { VaultSession } from '#session/session.ts'

/** What the stages of upkeep work with. */
export interface UpkeepTools extends PackTools {
  /** Numeric or `@name`. */
  chatId: string
  chats: PackChats
  sender: PackSender
  packs: FillingPacks
  writer: Writer
  packWriter: PackWriter
  secondChat: SecondChat | undefined
  openSession: () => Promise<VaultSession>
  reader: ObjectReader
  seal: { encryption: Encryption; signingKey: SigningKey; packSizeBytes: number; work: PackWork }
  /** Without a private key objects cannot be moved. */
  hasIdentity: boolean
  times: UpkeepTimes
  log: (line: string) => void
  onWait?: ((wait: CallWait) => void) | undefined
}

/** When upkeep does what, in milliseconds. */
export interface UpkeepTimes {
  /** Between two rounds. */
  everyMs: number
  /** A deletion waits so long for a pack that tells it; then it gets one of its own. */
  tellAfterMs: number
  /** A checkpoint is drawn after so many packs, or so long after the last one. */
  checkpointAfterPacks: number
  checkpointAfterMs: number
  /** The same, when packs only wait for a checkpoint to be erased. */
  collectAfterMs: number
}

/**
 * A deletion is told within 60 seconds: half of them for bundling, the rest for the pace. A recovery reads 64
 * packs beside a checkpoint, at most 1.3 GB. Ten quiet minutes are longer than the pauses of a backup.
 */
export const UPKEEP_TIMES: UpkeepTimes = {
  everyMs: 5_000,
  tellAfterMs: 30_000,
  checkpointAfterPacks: 64,
  checkpointAfterMs: 600_000,
  collectAfterMs: 60_000,
}
