import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '#torture/chance.ts'
import { basic, type DoorClient } from '#torture/objects/door-requests.ts'
import type { KnownObject } from '#torture/world/object-ledger.ts'

const MOST_OBJECTS = 8
const MOST_PIECES = 4
/** As in door-requests.ts. */
const PATIENT_FOR_MS = 120_000
const TRY_AGAIN_MS = 250
const ANSWERS_WITHIN_MS = 60_000

/** From the first byte to the last, both included. */
interface Piece {
  readonly from: number
  readonly to: number
}

/**
 * A client that restores, as restic does: it reads objects in pieces, and asks again for what it did not get.
 * Now and then the service dies while it answers.
 */
export async function restore(client: DoorClient): Promise<void> {
  const { chance, world } = client
  for (let left = chance.whole(1, MOST_OBJECTS); left > 0; left--) {
    await delay(chance.whole(0, 400))
    const there = world.objects.free('there')
    if (there.length === 0) continue
    const largest = there.reduce((most, one) => (one.bytes.length > most.bytes.length ? one : most))
    await readInPieces(client, chance.happens(0.5) ? largest : chance.pick(there))
  }
}

async function readInPieces(client: DoorClient, object: KnownObject): Promise<void> {
  const { changes } = object
  for (const piece of piecesOf(object.bytes.length, client.chance)) {
    const until = performance.now() + PATIENT_FOR_MS
    // Somebody is deleting it, or another machine has the chat and may erase what is dead for it.
    const isThere = (): boolean => object.changes === changes && client.world.catalog === client.catalog
    while (isThere() && !(await readPiece(client, { object, piece, isThere }))) {
      if (performance.now() > until) {
        client.violations.push(`answer: nobody gives bytes ${piece.from} to ${piece.to} of ${object.key}`)
        return
      }
      await delay(TRY_AGAIN_MS)
    }
  }
}

/** The whole object, in pieces of any size. */
function piecesOf(size: number, chance: Chance): Piece[] {
  const count = Math.min(size, chance.whole(1, MOST_PIECES))
  const cuts = Array.from({ length: count - 1 }, () => chance.whole(1, size - 1))
  const bounds = [...new Set([0, ...cuts, size])].sort((a, b) => a - b)
  return bounds.slice(1).map((end, at) => ({ from: bounds[at] ?? 0, to: end - 1 }))
}

/** Whether the piece came whole. However far it came, it has to be right. */
async function readPiece(
  client: DoorClient,
  { object, piece, isThere }: { object: KnownObject; piece: Piece; isThere: () => boolean },
): Promise<boolean> {
  const { fleet, chance, credentials, tell, violations } = client
  const { bucket, key, bytes } = object
  const member = await fleet.anyone(chance)
  const dies = chance.happens(0.1)
  const wanted = bytes.subarray(piece.from, piece.to + 1)
  const name = `bytes ${piece.from} to ${piece.to} of ${bucket}/${key.slice(0, 14)}`
  const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS)
  let received = 0
  try {
    const response = await fetch(`${await member.url}/restic/${bucket}/${key}`, {
      headers: { authorization: basic(credentials.get(bucket)), range: `bytes=${piece.from}-${piece.to}` },
      signal,
    })
    if (response.status !== 206) {
      const text = (await response.text()).slice(0, 200)
      tell(`  ${name} at ${member.name}: ${response.status} ${text}`)
      if (response.status === 404 && isThere())
        violations.push(`lost: ${bucket}/${key} was answered and is not found`)
      return false
    }
    const range = response.headers.get('content-range')
    if (range !== `bytes ${piece.from}-${piece.to}/${bytes.length}`)
      violations.push(`wrong: ${name} come as "${range}"`)
    for await (const chunk of response.body ?? []) {
      if (!wanted.subarray(received, received + chunk.length).equals(chunk)) {
        violations.push(`wrong: ${name} are others behind the first ${received}`)
        return true
      }
      received += chunk.length
      if (dies) await member.client.kill()
    }
    if (received < wanted.length) violations.push(`wrong: ${name} end in good order after ${received}`)
    tell(`  ${name} at ${member.name}: ${received} came`)
    return true
  } catch {
    tell(`  ${name} at ${member.name}: broken off after ${received}`)
    if (signal.aborted) violations.push(`hung: no answer to GET ${key}`)
    return false
  }
}
