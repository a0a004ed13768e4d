import type { Socket } from 'node:net'

/** One message of PostgreSQL's protocol 3, whole. `type` is its letter, or what comes without one. */
export interface WireMessage {
  readonly type: string
  readonly bytes: Buffer
}

const ENCRYPTION_REQUESTS = [80877103, 80877104]
const CANCEL_REQUEST = 80877102

/** What a client sends: a message without a letter first, then messages with one. */
export async function* frontendMessages(socket: Socket): AsyncGenerator<WireMessage> {
  let isStarted = false
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const length = lengthOf(rest, isStarted ? 1 : 0)
      if (length === undefined || rest.length < length) break
      const bytes = rest.subarray(0, length)
      rest = rest.subarray(length)
      if (isStarted) yield { type: String.fromCharCode(bytes[0] as number), bytes }
      else {
        const code = bytes.readInt32BE(4)
        const asksForEncryption = ENCRYPTION_REQUESTS.includes(code)
        isStarted = !asksForEncryption && code !== CANCEL_REQUEST
        yield { type: asksForEncryption ? 'encryption' : 'startup', bytes }
      }
    }
  }
}

/** What a server sends: messages with a letter. */
export async function* backendMessages(socket: Socket): AsyncGenerator<WireMessage> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const length = lengthOf(rest, 1)
      if (length === undefined || rest.length < length) break
      yield { type: String.fromCharCode(rest[0] as number), bytes: rest.subarray(0, length) }
      rest = rest.subarray(length)
    }
  }
}

/** The SQL of a Query or a Parse message. */
export function queryOf({ type, bytes }: WireMessage): string {
  const start = type === 'P' ? bytes.indexOf(0, 5) + 1 : 5
  return bytes.toString('utf8', start, bytes.indexOf(0, start))
}

function lengthOf(bytes: Buffer, offset: number): number | undefined {
  return bytes.length < offset + 4 ? undefined : bytes.readInt32BE(offset) + offset
}
