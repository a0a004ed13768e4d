/** More sizes than archives of one process have, unless it changes the size of its parts again and again. */
const MOST_SIZES = 8

/** By size; the size that was used last comes last. */
const free = new Map<number, SharedArrayBuffer[]>()

/**
 * Shared memory, with whatever was in it before. The garbage collector does not see how much hangs on a SharedArrayBuffer: left to
 * it, the memory of archives that have ended would lie about by hundreds of megabytes. So what is given back is lent again,
 * and in all there is as much as was in use at once.
 */
export function lendMemory(sizeBytes: number): SharedArrayBuffer {
  // The system hands out the memory of a new one only when it is written to.
  return free.get(sizeBytes)?.pop() ?? new SharedArrayBuffer(sizeBytes)
}

/** Gives memory back: once, and only when nobody reads or writes it any more, in any thread. */
export function giveMemoryBack(memory: SharedArrayBuffer): void {
  const ofThatSize = free.get(memory.byteLength) ?? []
  ofThatSize.push(memory)
  free.delete(memory.byteLength)
  free.set(memory.byteLength, ofThatSize)
  if (free.size <= MOST_SIZES) return
  const [oldest] = free.keys()
  if (oldest !== undefined) free.delete(oldest)
}
