/**
 * Gives memory back at once that was allocated for these bytes alone, as node:crypto does for what it returns. Left to
 * the garbage collector, which sees the small object and not what hangs on it, tens of megabytes of it would be lying
 * about. The bytes cannot be used afterwards, nor can any other view of the same memory: never give it a Buffer that may
 * lie in the memory that all small Buffers share.
 */
export function freeNow(bytes: Uint8Array): void {
  if (bytes.length > 0 && bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0)
}
