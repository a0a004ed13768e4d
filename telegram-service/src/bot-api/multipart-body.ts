import { randomBytes } from 'node:crypto'

/** A Buffer, so that it can be sent again after a flood wait. */
export interface UploadFile {
  field: string
  /** ASCII letters, digits, `.`, `_`, `-`: Telegram changes other names. */
  name: string
  bytes: Buffer
}

/** A multipart/form-data body in pieces; the file is not copied. */
export function multipartBody(
  fields: Record<string, string>,
  file: UploadFile,
): { contentType: string; body: Buffer[] } {
  const boundary = `----telegram-backup-${randomBytes(18).toString('hex')}`
  if (!/^[A-Za-z0-9._-]+$/.test(file.name))
    throw new TypeError('a file name that needs no quoting is expected')
  const head = Object.entries(fields)
    .map(
      ([name, value]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    .join('')
  const fileHead =
    `--${boundary}\r\nContent-Disposition: form-data; name="${file.field}"; filename="${file.name}"\r\n` +
    'Content-Type: application/octet-stream\r\n\r\n'
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: [Buffer.from(head + fileHead), file.bytes, Buffer.from(`\r\n--${boundary}--\r\n`)],
  }
}
