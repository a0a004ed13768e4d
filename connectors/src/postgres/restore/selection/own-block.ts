import { randomBytes } from 'node:crypto'

/** A statement between those of a dump that runs a block of PL/pgSQL of ours. As bytes in Latin-1. */
export function doing(block: string): string {
  const mark = `$r${randomBytes(16).toString('hex')}$`
  return `DO LANGUAGE plpgsql ${mark}${block}${mark};\n`
}
