import type { BackupSource } from 'telegram-deployment-bot'
import type { SkippedFile } from '#directory/pack/allowances.ts'
import type { DirectoryOptions } from '#directory/pack/tar-source.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'

/** A source, chosen and with its options read. */
export type SourceChoice =
  | { kind: 'file'; path: string }
  | { kind: 'stdin'; mayBeEmpty: boolean }
  | { kind: 'postgres'; url: string; options: PgDumpOptions }
  | { kind: 'directory'; path: string; options: DirectoryOptions }

/** A source at work, and of a directory what it could not read as it was. */
export type OpenedSource = BackupSource & { readonly skipped?: readonly SkippedFile[] }

/** What was recorded of a backup that is restored or compared. It comes from a catalog or a chat, so nothing in it is believed. */
export interface RecordedBackup {
  /** A UUID. */
  id: string
  /** Plain bytes. */
  size: number
  /** Facts of the source, as it told them when it was read. */
  source: Readonly<Record<string, unknown>> | null
}
