import type { Encryption, SigningKey } from '@telegram-backup/archive'
import type { Database } from '@telegram-backup/database'
import type { TelegramClient, VaultLedger } from 'telegram-deployment-bot'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { BucketRecovery } from '#recover/recovered-buckets.ts'
import type { NextRun } from '#recover/recovered-plans.ts'
import { SignedDocuments } from '#recover/signed-documents.ts'
import { Signers } from '#recover/signers.ts'

/** The inputs of a recovery. */
export interface RecoverySetup {
  client: TelegramClient
  database: Database
  /** Numeric or `@name`. */
  chat: string
  /** The second chat; numeric or `@name`. */
  replicaChat?: string | undefined
  /** age identities; without any, only captions are readable. */
  identities: readonly string[]
  /** Fingerprints of the keys to believe; without any, the first signer that is found. */
  signers: readonly string[]
  /** Fingerprint of this machine's own key, which is always believed. */
  ownSigner?: string | undefined
  encryption: Encryption | undefined
  signingKey: () => Promise<SigningKey>
  /** Without an index, also reads messages far below all of ours. */
  wholeChat?: boolean
  nextRun: NextRun
  signal: AbortSignal
  /** Called before a long search when the pinned index is there and none of `identities` opens it. */
  onWrongKey?: () => void
  /** Called before messages are read, with their greatest possible number. */
  onPlan: (plan: { messages: number; what: string }) => void
  /** Called for each message id that is checked. */
  onLook: () => void
}

/** The same for every stage. */
export interface RecoveryTools extends RecoverySetup {
  vault: VaultLedger
  documents: SignedDocuments
  buckets: BucketRecovery
}

export function recoveryTools(setup: RecoverySetup): RecoveryTools {
  const { client, database, identities, encryption, signal } = setup
  const signers = new Signers(setup.signers, setup.ownSigner)
  const isClearBelieved = encryption === 'off'
  const documents = new SignedDocuments({ client, identities, signers, isClearBelieved, signal })
  const buckets = new BucketRecovery({ client, database, documents, onPlan: setup.onPlan })
  return { ...setup, vault: createCatalogVault(database), documents, buckets }
}
