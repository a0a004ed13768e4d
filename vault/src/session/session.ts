import type { Encryption, SigningKey } from '@telegram-backup/archive'
import type { Database, Lease } from '@telegram-backup/database'
import { BackupError, describeError, hint, run } from '@telegram-backup/errors'
import type { CallWait, TelegramClient, VaultLedger } from 'telegram-deployment-bot'
import type { ChatGates } from '#session/chat-gates.ts'
import type { ReportedReason, SessionReport } from '#session/report.ts'

/** What reconciling, erasing and verifying work with. */
export interface VaultSession {
  readonly database: Database
  readonly client: TelegramClient
  readonly vault: VaultLedger
  /** The configured chats, which get an index; numeric or `@name`. The catalog knows other chats. */
  readonly chatId: string | undefined
  readonly replicaChatId: string | undefined
  /** Undefined: the indexes stay as they are. */
  readonly indexSeal: IndexSeal | undefined
  /** Reads the private keys; undefined without any. Throws `CONFIGURATION` for a bad key file. */
  readonly identities?: (() => Promise<readonly string[]>) | undefined
  readonly gates: ChatGates
  readonly report: SessionReport
  readonly signal: AbortSignal
  readonly onWait?: ((wait: CallWait) => void) | undefined
  /** Called with a line of text for each step. */
  readonly say: (line: string) => void
  /** Called when one more of many is done; must not throw. */
  readonly onProgress?: ((progress: RunProgress) => void) | undefined
}

/**
 * How far one stage of a run is. `runs`: of interrupted runs that are cleaned up; `erase` and `copy`: of
 * messages.
 */
export interface RunProgress {
  readonly stage: 'runs' | 'erase' | 'copy'
  readonly done: number
  readonly total: number
}

/** The keys that encrypt and sign an index. */
export interface IndexSeal {
  readonly encryption: Encryption
  readonly signingKey: SigningKey
  /** Also indexes that are up to date are sealed anew. */
  readonly redraw?: boolean
}

/** A backup whose lease this process holds. */
export interface HeldBackup {
  readonly backupId: string
  readonly lease: Lease
}

/** Throws `LEASE_LOST` or `CANCELLED`. Called before each step that another holder must not repeat. */
export function assertMayGoOn({ signal }: Pick<VaultSession, 'signal'>, lease: Lease): void {
  if (signal.aborted) throw cancelled()
  if (lease.isHeld()) return
  throw new BackupError('The lease was lost: another process may hold it now', {
    code: 'LEASE_LOST',
    hint: hint`This process changed nothing after that. Run "${run('reconcile')}" again.`,
  })
}

/** The error for a fired signal. */
export function cancelled(): BackupError {
  return new BackupError('Cancelled', { code: 'CANCELLED' })
}

/** Whether an error means that nothing more may be done for this backup. */
export function isTheEnd(session: VaultSession, held: HeldBackup, error: unknown): boolean {
  return endsEverything(session, error) || codeOf(error) === 'LEASE_LOST' || !held.lease.isHeld()
}

/**
 * Reports a failure of one backup or one chat; the others go on. Throws `error` when it ends the whole run.
 */
export function reportPending(
  session: Pick<VaultSession, 'signal' | 'report'>,
  of: Pick<ReportedReason, 'backup_id' | 'restore_id' | 'pack_id' | 'chat_id'>,
  error: unknown,
): void {
  if (endsEverything(session, error)) throw error
  const { message, code } = describeError(error)
  session.report.pending.push({ ...of, code, reason: message })
}

/** Whether an error ends the whole run; any other concerns one backup or one chat. */
export function endsEverything({ signal }: Pick<VaultSession, 'signal'>, error: unknown): boolean {
  return signal.aborted || codeOf(error) === 'CATALOG'
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
