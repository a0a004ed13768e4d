/**
 * Copies bytes to place `at`. `TypedArray.set` takes ten times as long where one side is shared memory and
 * the places are not aligned to 8 bytes: 0.6 ms for 1 MiB (Node 24).
 * @throws RangeError when they do not fit
 */
export function copyBytes(into: Uint8Array, bytes: Uint8Array, at = 0): void {
  if (bytes.length === 0) return
  Buffer.from(into.buffer, into.byteOffset, into.length).fill(bytes, at, at + bytes.length)
}
