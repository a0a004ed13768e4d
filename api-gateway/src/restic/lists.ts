import type { Bucket } from '@telegram-backup/database'
import type { ListedObject, ObjectStore } from '@telegram-backup/vault/objects/object-store.ts'
import type { Request, Response } from 'express'
import { breakOff, drained } from '#http/send-bytes.ts'

const V1 = 'application/vnd.x.restic.rest.v1'
const V2 = 'application/vnd.x.restic.rest.v2'

/**
 * Answers with the names in a folder, page by page: with their sizes for a client that asks for version 2 of
 * the protocol, as names alone for any other. The client takes the answer for whole at the closing bracket.
 */
export async function sendList(of: {
  store: Pick<ObjectStore, 'list'>
  bucket: Bucket
  /** Such as `data/`. */
  prefix: string
  request: Request
  response: Response
  stallMs: number
}): Promise<void> {
  const { store, bucket, prefix, request, response, stallMs } = of
  const isV2 = request.get('Accept') === V2
  const entriesOf = (page: ListedObject[]): string => {
    const names = page.map(({ key, size }) => {
      const name = key.slice(prefix.length)
      return isV2 ? { name, size } : name
    })
    // Without its brackets.
    return JSON.stringify(names).slice(1, -1)
  }
  const pages = store.list(bucket, { prefix })[Symbol.asyncIterator]()
  // An error before the first byte becomes an answer; afterwards it breaks off the connection.
  let page = await pages.next()
  response.status(200).set('Content-Type', isV2 ? V2 : V1)
  try {
    let before = '['
    while (!page.done) {
      const entries = entriesOf(page.value)
      if (entries !== '') {
        if (!response.write(before + entries)) await drained(response, stallMs)
        before = ','
      }
      if (response.destroyed) return
      page = await pages.next()
    }
    response.end(before === '[' ? '[]' : ']')
  } catch (error) {
    breakOff(response, error)
  } finally {
    await pages.return?.()
  }
}
