import type { IncomingMessage } from 'node:http'

/** The connection is to be cut here instead of answered. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut'
}

/** The first half of a body (of one without a length: its first piece), then ConnectionCut. */
export async function* firstHalf(request: IncomingMessage): AsyncGenerator<Buffer> {
  const halfBytes = Number(request.headers['content-length'] ?? 0) / 2
  let sizeBytes = 0
  for await (const chunk of wholeBody(request)) {
    yield chunk
    sizeBytes += chunk.length
    if (sizeBytes >= halfBytes) break
  }
  throw new ConnectionCut()
}

/** The body, and the request stays usable for an answer when the reader stops early. */
export function wholeBody(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false })
}

/**
 * Reads what is left of a body and drops it, so that the answer is not lost in a reset. Resolves at its end.
 */
export async function drain(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return
  await new Promise<void>(resolve => {
    request
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve())
    request.resume()
  })
}
