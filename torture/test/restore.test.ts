import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { chanceOf } from '#torture/chance.ts'
import type { DoorClient } from '#torture/objects/door-requests.ts'
import { restore } from '#torture/objects/restore.ts'
import { ObjectLedger } from '#torture/world/object-ledger.ts'

const BYTES = Buffer.from('some bytes that are read in pieces')
const KEY = 'data/ab'
const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Door = (of: { asked: number; objects: ObjectLedger }) => 'bytes' | 404

/** What the restoring clients of several seeds complain of, at doors that answer so. */
async function complaintsAt(door: Door): Promise<string[]> {
  const seeds = Array.from({ length: 12 }, (_, at) => String(at))
  return (await Promise.all(seeds.map(seed => complaintsOf(seed, door)))).flat()
}

async function complaintsOf(seed: string, door: Door): Promise<string[]> {
  const objects = new ObjectLedger()
  objects.begin(objects.add({ bucket: 'attic', key: KEY, bytes: BYTES, inChat: true }))('there')
  const url = openDoor(objects, door)
  const catalog = {}
  const violations: string[] = []
  await restore({
    ...{ catalog, violations, chance: chanceOf(seed), tell: () => {} },
    world: { objects, catalog },
    fleet: { anyone: async () => ({ name: 'serve', url, client: { kill: async () => {} } }) },
    credentials: new Map(),
  } as unknown as DoorClient)
  return violations
}

async function openDoor(objects: ObjectLedger, door: Door): Promise<string> {
  let asked = 0
  const server = createServer((request, response) => {
    asked++
    if (door({ asked, objects }) === 404) return response.writeHead(404).end()
    const [from = 0, to = 0] = (/\d+-\d+/.exec(request.headers.range ?? '')?.[0] ?? '').split('-').map(Number)
    const range = `bytes ${from}-${to}/${BYTES.length}`
    return response.writeHead(206, { 'content-range': range }).end(BYTES.subarray(from, to + 1))
  }).listen(0, '127.0.0.1')
  closing.push(() => new Promise(resolve => server.close(resolve).closeAllConnections()))
  await new Promise(resolve => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a client that restores', () => {
  test('complains of an object that is not found although it is there', async () => {
    const violations = await complaintsAt(({ asked }) => (asked === 2 ? 404 : 'bytes'))
    expect(new Set(violations)).toEqual(new Set([`lost: attic/${KEY} was answered and is not found`]))
  })

  test('says nothing when somebody deletes the object between two pieces', async () => {
    const deletedAfterTheFirst = ({ asked, objects }: { asked: number; objects: ObjectLedger }) => {
      const known = objects.find('attic', KEY)
      if (asked === 1 && known) setImmediate(() => objects.begin(known)('gone'))
      return asked === 1 ? 'bytes' : 404
    }
    expect(await complaintsAt(deletedAfterTheFirst)).toEqual([])
  })
})
