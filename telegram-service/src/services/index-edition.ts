import { createHash, randomBytes } from 'node:crypto'
import type { KnownIndex } from '#services/vault-ledger.ts'

/** How many editions of the index there were, up to this one; an edition reads `<count>-<8 hex digits>`. */
export function editionCount(edition: string): number {
  return Number.parseInt(edition, 10)
}

/** The edition after those that were written or about to be. Two that count the same are told apart by chance. */
export function nextEdition(index: KnownIndex): string {
  return `${countAfter(index)}-${randomBytes(4).toString('hex')}`
}

/** The edition of an index that a new message brings: its record leads to it, also when nothing more is written down. */
export function newEdition(count: number, sendId: string): string {
  return `${count}-${createHash('sha256').update(sendId).digest('hex').slice(0, 8)}`
}

/** 1 for a chat that has had no index. */
export function countAfter(index: KnownIndex | undefined): number {
  const editions = [index?.edition, index?.nextEdition].filter(edition => edition !== undefined)
  return Math.max(0, ...editions.map(editionCount)) + 1
}
