import { prepareSigningRotation, signerFingerprint } from '@telegram-backup/archive'
import { addToAudit } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { ReportedReason } from '@telegram-backup/vault/session/report.ts'
import type { Engine, Watching } from '#engine.ts'
import { resealIndexes } from '#rotation/reseal-indexes.ts'

export interface SignerRotated {
  /** Fingerprint of the key that signed until now. */
  before: string
  /** Fingerprint of the key that signs from now on. */
  signer: string
  /** An old recovery card stays valid: the old key has named the new one. */
  isChained: boolean
  /** An earlier run was interrupted, and this one has finished it. */
  isContinued: boolean
  /** Chats whose index is not signed by the new key yet. */
  left: ReportedReason[]
}

/**
 * Replaces the signing key: first in the index of each chat, then on this machine, so that an interruption
 * leaves the old key at work, and the next run continues. Messages that the old key signed stay as they are.
 * Throws `CONFIGURATION` when there is no key, or its file cannot be changed.
 * @param request.isChained whether the old key names the new one; not for a key that somebody has stolen
 */
export async function rotateSigner(
  engine: Omit<Engine, 'service'>,
  { isChained }: { isChained: boolean },
  hooks: Watching,
): Promise<SignerRotated> {
  const { config, database } = engine
  const { encryption, signingKeyFile } = config
  if (encryption === undefined) {
    throw new BackupError('No public key is configured, so the index cannot be signed again', {
      code: 'CONFIGURATION',
      hint: 'Set BACKUP_AGE_RECIPIENTS, as for sending.',
    })
  }
  const rotation = await prepareSigningRotation(signingKeyFile, { isChained, now: new Date() })
  const { current, next, isContinued } = rotation
  const left = await resealIndexes(engine, { encryption, signingKey: next }, hooks)
  const [before, signer] = [signerFingerprint(current), signerFingerprint(next)]
  await addToAudit(database.kysely, {
    ...{ actor: database.actor, act: 'signer.rotate', object: signer, projectId: null },
    details: { before, is_chained: isChained },
  })
  await rotation.complete()
  return { before, signer, isChained, isContinued, left }
}
