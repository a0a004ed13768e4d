import { createHash, randomBytes } from 'node:crypto'
import type { KnownIndex } from '#services/vault-ledger.ts'

/** The number in an edition, which reads `<count>-<8 hex digits>`. */
export function editionCount(edition: string): number {
  return Number.parseInt(edition, 10)
}

/** The next edition. Random digits tell apart two that count the same. */
export function nextEdition(index: KnownIndex): string {
  return `${countAfter(index)}-${randomBytes(4).toString('hex')}`
}

/** The edition of a new index message: its send's record alone leads to it. */
export function newEdition(count: number, sendId: string): string {
  return `${count}-${createHash('sha256').update(sendId).digest('hex').slice(0, 8)}`
}

/** 1 for a chat without an index. */
export function countAfter(index: KnownIndex | undefined): number {
  const editions = [index?.edition, index?.nextEdition].filter(edition => edition !== undefined)
  return Math.max(0, ...editions.map(editionCount)) + 1
}
