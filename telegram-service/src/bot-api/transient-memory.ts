import type { Socket } from 'node:net'

/** Less is not worth it, and may lie in memory that others share. */
const MIN_BYTES = 16 * 1024

/**
 * Gives memory back at once that was allocated for these bytes alone. The garbage collector sees the small object and not
 * what hangs on it: a download at full speed has up to 80 MB of it lying about. The bytes cannot be used afterwards.
 */
export function freeNow(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes
  const isAll = byteLength === buffer.byteLength
  if (buffer instanceof ArrayBuffer && isAll && byteLength >= MIN_BYTES) buffer.transfer(0)
}

/**
 * Frees what a socket reads as soon as Node's HTTP parser, which listens already and copies what it gives out, is done
 * with it. Returns what ends that.
 */
export function freeReads(socket: Socket): () => void {
  socket.on('data', freeNow)
  return () => socket.off('data', freeNow)
}
