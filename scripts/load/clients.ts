import { createCipheriv, randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { Readable } from 'node:stream'

/** What a kind of client saw. */
export class Tally {
  readonly seconds: number[] = []
  readonly errors: Map<string, number> = new Map()

  /** Counts an answer; anything but the status that is due is an error. */
  count(status: number | string, due: number, seconds: number): void {
    if (status === due) this.seconds.push(seconds)
    else this.errors.set(String(status), (this.errors.get(String(status)) ?? 0) + 1)
  }

  /** In milliseconds: the time within which that share of the answers came. */
  percentile(share: number): number {
    const sorted = this.seconds.toSorted((a, b) => a - b)
    return 1000 * (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0)
  }
}

/** Where and as whom. */
export interface Access {
  url: string
  key: string
  agent: Agent
}

/** An agent for so many clients, each with a connection of its own that it keeps. */
export function agentFor(clients: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: clients })
}

interface Answer {
  status: number | string
  bytes: number
  text: string
}

/** One call. A connection that breaks is an answer too, by its error's code. `body` undefined: GET. */
export function call(access: Access, path: string, body?: Readable): Promise<Answer> {
  return new Promise(resolve => {
    const outgoing = request(
      `${access.url}/api/v1${path}`,
      {
        agent: access.agent,
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${access.key}` },
      },
      incoming => {
        let bytes = 0
        let text = ''
        incoming.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (text.length < 2 ** 20) text += chunk.toString()
        })
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, bytes, text }))
        incoming.on('error', error => resolve({ status: codeOf(error), bytes, text }))
      },
    )
    outgoing.on('error', error => resolve({ status: codeOf(error), bytes: 0, text: '' }))
    if (body === undefined) outgoing.end()
    else body.pipe(outgoing)
  })
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message
}

/** So many bytes that nothing makes smaller, made as fast as they are taken. */
export function noise(bytes: number): Readable {
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16))
  const zeros = Buffer.alloc(256 * 1024)
  let left = bytes
  return new Readable({
    read() {
      const size = Math.min(left, zeros.length)
      left -= size
      this.push(size === 0 ? null : cipher.update(zeros.subarray(0, size)))
    },
  })
}

/** Reads as a page does, over and over until the time is up. */
export async function readOn(
  access: Access,
  ids: readonly string[],
  until: number,
  tally: Tally,
): Promise<void> {
  const paths = ['/backups?limit=50', '/stats', '/jobs?state=done', '/backups?project_id=project-7&limit=20']
  for (let turn = Math.floor(Math.random() * 5); performance.now() < until; turn++) {
    const id = ids[Math.floor(Math.random() * ids.length)]
    const path = paths[turn % 5] ?? `/backups/${id}`
    const started = performance.now()
    const { status } = await call(access, path)
    tally.count(status, 200, (performance.now() - started) / 1000)
  }
}

/** Uploads over and over until the time is up. */
export async function uploadOn(access: Access, bytes: number, until: number, tally: Tally): Promise<void> {
  while (performance.now() < until) {
    const started = performance.now()
    const { status, text } = await call(access, '/backups/upload?project_id=load&type=storage', noise(bytes))
    if (status !== 201) process.stderr.write(`${status}: ${text.slice(0, 300)}\n`)
    tally.count(status, 201, (performance.now() - started) / 1000)
  }
}
