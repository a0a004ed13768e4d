/**
 * Frees the memory of these bytes, for example a result of node:crypto: the garbage collector sees only the
 * small object, and would leave tens of megabytes. Other views of the memory end, too: never pass a Buffer of
 * the shared pool.
 */
export function freeNow(bytes: Uint8Array): void {
  if (bytes.length > 0 && bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0)
}
