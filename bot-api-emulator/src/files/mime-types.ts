/** What Telegram takes an extension for; the part's own Content-Type is ignored (td MessageContent). */
const MIME_TYPES: Readonly<Record<string, string>> = {
  bz2: 'application/x-bzip2',
  csv: 'text/csv',
  gif: 'image/gif',
  gz: 'application/gzip',
  html: 'text/html',
  jpg: 'image/jpeg',
  json: 'application/json',
  log: 'text/plain',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  pdf: 'application/pdf',
  png: 'image/png',
  sql: 'application/sql',
  tar: 'application/x-tar',
  txt: 'text/plain',
  xml: 'application/xml',
  xz: 'application/x-xz',
  zip: 'application/zip',
  zst: 'application/zstd',
}

/** The mime type of an extension without its dot, in any case of letters. */
export function mimeTypeOf(extension: string): string {
  return MIME_TYPES[extension.toLowerCase()] ?? 'application/octet-stream'
}
