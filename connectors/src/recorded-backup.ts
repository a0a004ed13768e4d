/** Facts of a source, as they were recorded. They come from a catalog or a chat: nothing in them is believed. */
export type SourceRecord = Readonly<Record<string, unknown>>

/** What was recorded of a backup that is restored or compared. */
export interface RecordedBackup {
  /** A UUID. */
  id: string
  /** Plain bytes. */
  size: number
  source: SourceRecord | null
}
