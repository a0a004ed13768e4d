/** Archives of one process rarely have more sizes. */
const MOST_SIZES = 8
/** Nobody has used it for so long, so the system gets it back. */
const KEPT_MS = 60_000

/** By size, the last used one last. */
const free = new Map<number, SharedArrayBuffer[]>()

let cleaning: NodeJS.Timeout | undefined

/**
 * Shared memory with old content. The garbage collector does not see the size of a SharedArrayBuffer, and
 * would leave hundreds of megabytes of ended archives; so memory is reused.
 */
export function lendMemory(sizeBytes: number): SharedArrayBuffer {
  clearTimeout(cleaning)
  // The system provides new memory only when it is written to.
  return free.get(sizeBytes)?.pop() ?? new SharedArrayBuffer(sizeBytes)
}

/** Gives memory back, once, when no thread uses it any more. */
export function giveMemoryBack(memory: SharedArrayBuffer): void {
  const ofThatSize = free.get(memory.byteLength) ?? []
  ofThatSize.push(memory)
  free.delete(memory.byteLength)
  free.set(memory.byteLength, ofThatSize)
  clearTimeout(cleaning)
  cleaning = setTimeout(() => free.clear(), KEPT_MS).unref()
  if (free.size <= MOST_SIZES) return
  const [oldest] = free.keys()
  if (oldest !== undefined) free.delete(oldest)
}
