import {
  confirmPart,
  type Database,
  failBackup,
  intendPart,
  markPart,
  openBackup,
  type PartKey,
} from '@telegram-backup/database'
import type { LedgerContext, MessageKey, PartLedger } from 'telegram-deployment-bot'

/** A ledger over the catalog, which remembers whether and how the catalog failed it. */
export interface CatalogLedger extends PartLedger {
  /** The backup's id once the catalog has its row. */
  readonly backupId: string | undefined
  /** The catalog's first failure, if there was one. */
  readonly failure: unknown
}

/** Writes down in `control_plane.backups` and `backup_parts` what a send intends and has proven. */
export function createCatalogLedger(database: Database): CatalogLedger {
  let backupId: string | undefined
  let failure: unknown
  const note = async <Result>(write: () => Promise<Result>): Promise<Result> => {
    try {
      return await write()
    } catch (error) {
      failure ??= error
      throw error
    }
  }
  return {
    get backupId() {
      return backupId
    },
    get failure() {
      return failure
    },
    openBackup: ({ project, expiresAt, caption, ...intent }) =>
      note(async (): Promise<LedgerContext> => {
        const context = await openBackup(database, {
          ...intent,
          projectId: project,
          ...(expiresAt ? { expiresAt } : {}),
          ...(caption === undefined ? {} : { caption }),
        })
        backupId = intent.backupId
        return context
      }),
    intendMessage: ({ partNumber, sizeBytes, ...message }) =>
      note(() => intendPart(database, { ...message, partNo: partNumber, size: sizeBytes })),
    confirmMessage: ({ partNumber, ...proof }) =>
      note(() => confirmPart(database, { ...proof, partNo: partNumber })),
    messageErased: key => markPart(database, { ...partKey(key), state: 'erased' }),
    failBackup: ({ backupId, reason }) => failBackup(database, { backupId, error: reason }),
  }
}

function partKey({ backupId, chatId, kind, partNumber }: MessageKey): PartKey {
  return { backupId, chatId, kind, partNo: partNumber }
}
