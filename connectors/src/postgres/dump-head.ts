/** The number of bytes at the beginning of a file that tell whether pg_dump wrote it. */
export const DUMP_HEAD_BYTES = 4096

/** The five bytes that a dump in pg_dump's custom format begins with. */
const CUSTOM_FORMAT = Buffer.from('PGDMP')

/** A line near the beginning of every plain dump of pg_dump, and of what pg_restore makes of another format. */
const PLAIN_FORMAT = /^-- PostgreSQL database dump$/m

/** Whether a file that begins with `head` (up to `DUMP_HEAD_BYTES` of it are read) is a dump in pg_dump's custom format. */
export function beginsAsCustomDump(head: Buffer): boolean {
  return head.subarray(0, CUSTOM_FORMAT.length).equals(CUSTOM_FORMAT)
}

/** Whether a file that begins with `head` (up to `DUMP_HEAD_BYTES` of it are read) is a plain dump of pg_dump. */
export function beginsAsPlainDump(head: Buffer): boolean {
  return PLAIN_FORMAT.test(head.toString('latin1', 0, DUMP_HEAD_BYTES))
}
