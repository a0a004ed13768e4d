/** Where a stream of text goes; `process.stdout` is one. */
export interface TextSink {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}
