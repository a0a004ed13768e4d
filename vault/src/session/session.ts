import type { Encryption, SigningKey } from '@telegram-backup/archive'
import type { Database, Lease } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { CallWait, TelegramClient, VaultLedger } from 'telegram-deployment-bot'
import type { ChatGates } from '#session/chat-gates.ts'
import type { SessionReport } from '#session/report.ts'

/** What settling and erasing work with. */
export interface VaultSession {
  readonly database: Database
  readonly client: TelegramClient
  readonly vault: VaultLedger
  /** The configured chat and its second one, which get an index; numeric or `@name`. Others are found in the catalog. */
  readonly chatId: string | undefined
  readonly replicaChatId: string | undefined
  /** Without it everything is settled but the indexes. */
  readonly indexSeal: IndexSeal | undefined
  /** The private keys that open backups, read when they are wanted; none if left out. Throws `CONFIGURATION` for a bad key file. */
  readonly identities?: () => Promise<readonly string[]>
  readonly gates: ChatGates
  readonly report: SessionReport
  readonly signal: AbortSignal
  readonly onWait?: (wait: CallWait) => void
  /** Hears, a line at a time, what is being done. */
  readonly say: (line: string) => void
}

/** What an index is encrypted for and signed with. */
export interface IndexSeal {
  readonly encryption: Encryption
  readonly signingKey: SigningKey
}

/** A backup that this process, and nobody else, works on. */
export interface HeldBackup {
  readonly backupId: string
  readonly lease: Lease
}

/** Throws `LEASE_LOST` or `CANCELLED`; called before each step that another holder must not see twice. */
export function assertMayGoOn({ signal }: Pick<VaultSession, 'signal'>, lease: Lease): void {
  if (signal.aborted) throw cancelled()
  if (lease.isHeld()) return
  throw new BackupError('The lease was lost: another process may be at work on it', {
    code: 'LEASE_LOST',
    hint: 'Nothing more was touched; run "telegram-backup reconcile" again.',
  })
}

/** What a fired signal stands for. */
export function cancelled(): BackupError {
  return new BackupError('Cancelled', { code: 'CANCELLED' })
}

/** Errors after which nothing more may be done for this backup. */
export function isTheEnd(session: VaultSession, held: HeldBackup, error: unknown): boolean {
  return endsEverything(session, error) || codeOf(error) === 'LEASE_LOST' || !held.lease.isHeld()
}

/** Errors that end the whole run; whatever else fails concerns one backup, or one chat. */
export function endsEverything({ signal }: Pick<VaultSession, 'signal'>, error: unknown): boolean {
  return signal.aborted || codeOf(error) === 'CATALOG'
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
