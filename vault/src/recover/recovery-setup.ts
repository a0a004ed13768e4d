import type { Encryption, SigningKey } from '@telegram-backup/archive'
import type { Database } from '@telegram-backup/database'
import type { TelegramClient } from 'telegram-deployment-bot'
import type { NextRun } from '#recover/recovered-plans.ts'

/** What a recovery works with. */
export interface RecoverySetup {
  client: TelegramClient
  database: Database
  /** Numeric or `@name`. */
  chat: string
  /** The chat that has a copy of all; numeric or `@name`. */
  replicaChat?: string | undefined
  /** age identities; none leaves only what captions tell. */
  identities: readonly string[]
  /** Fingerprints of the keys whose signatures are believed; none means the first that is found. */
  signers: readonly string[]
  /** Of the key that this machine signs with; what is signed by it needs nobody to name it. */
  ownSigner?: string | undefined
  encryption: Encryption | undefined
  signingKey: () => Promise<SigningKey>
  /** Without an index, reads every message, also those far below all of ours that people most likely wrote. */
  wholeChat?: boolean
  nextRun: NextRun
  signal: AbortSignal
  /** Hears, before a long search, that the pinned index is there and none of `identities` opens it. */
  onWrongKey?: () => void
  /** Hears beforehand how many messages will be asked about, at most. */
  onPlan: (plan: { messages: number; what: string }) => void
  /** Hears of each message id that is asked about. */
  onLook: () => void
}
