/** How much of a file shows whether pg_dump wrote it. */
export const DUMP_HEAD_BYTES = 4096

/** The first bytes of pg_dump's custom format. */
const CUSTOM_FORMAT = Buffer.from('PGDMP')

/** Near the beginning of every plain dump, of pg_dump or pg_restore. */
const PLAIN_FORMAT = /^-- PostgreSQL database dump$/m

export function beginsAsCustomDump(head: Buffer): boolean {
  return head.subarray(0, CUSTOM_FORMAT.length).equals(CUSTOM_FORMAT)
}

export function beginsAsPlainDump(head: Buffer): boolean {
  return PLAIN_FORMAT.test(head.toString('latin1', 0, DUMP_HEAD_BYTES))
}
