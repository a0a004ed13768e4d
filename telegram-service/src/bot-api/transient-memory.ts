import type { Socket } from 'node:net'

/** Smaller buffers may share memory. */
const MIN_BYTES = 16 * 1024

/**
 * Frees the memory of these bytes at once. The garbage collector sees only the small object: a fast download
 * would leave up to 80 MB. The bytes cannot be used afterwards.
 */
export function freeNow(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes
  const isAll = byteLength === buffer.byteLength
  if (buffer instanceof ArrayBuffer && isAll && byteLength >= MIN_BYTES) buffer.transfer(0)
}

/** Frees what a socket reads once Node's HTTP parser has copied it. Returns how to stop. */
export function freeReads(socket: Socket): () => void {
  socket.on('data', freeNow)
  return () => socket.off('data', freeNow)
}
