/**
 * Gives memory back at once that node:crypto or node:zlib has allocated for these bytes alone. Left to the garbage
 * collector, which sees the small object and not what hangs on it, tens of megabytes of it would be lying about. The
 * bytes cannot be used afterwards, nor can any other view of the same memory.
 */
export function freeNow(bytes: Uint8Array): void {
  // Small ones may lie in the memory that all small Buffers share.
  if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength > Buffer.poolSize)
    bytes.buffer.transfer(0)
}
