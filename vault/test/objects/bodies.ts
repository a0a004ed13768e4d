export const NEVER: AbortSignal = new AbortController().signal

/** In pieces of 64 KiB, as a socket gives them. */
export async function* bodyOf(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536)
}
