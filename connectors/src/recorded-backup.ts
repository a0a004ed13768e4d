/** Recorded facts of a source. They come from a catalog or a chat, and are not trusted. */
export type SourceRecord = Readonly<Record<string, unknown>>

export interface RecordedBackup {
  /** A UUID. */
  id: string
  /** Plain bytes. */
  size: number
  source: SourceRecord | null
}
