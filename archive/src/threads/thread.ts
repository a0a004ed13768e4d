import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { parentPort, Worker } from 'node:worker_threads'

export interface Thread {
  /** A thread that waits for its rings takes messages with `receiveMessageOnPort`. */
  post(message: unknown): void
  /**
   * Resolves when the thread is gone. It ends by itself, by its event loop ({@link endOnMessage}) or its
   * rings, which the caller stops: `terminate()` while a thread makes a zstd context aborts the whole process
   * (Node 24.21, "close before init"), and leaks descriptors. May be called repeatedly.
   */
  stop(): Promise<void>
}

export interface ThreadOptions<Message> {
  /** For example `#threads/reader.ts`. */
  module: string
  /** The thread's `workerData`. */
  task: unknown
  onMessage?: (message: Message) => void
  /** Called when the thread throws or fails; not after {@link Thread.stop}. */
  onFailure: (error: Error) => void
}

/** Starts a worker thread. Listeners are attached before it can send. */
export function startThread<Message = never>(options: ThreadOptions<Message>): Thread {
  // Flags of the process (of a test runner or debugger) would slow the thread's start.
  const location = new URL(import.meta.resolve(options.module))
  const compileCacheDir = getCompileCacheDir()
  const worker = new Worker(location, {
    workerData: options.task,
    execArgv: [],
    // No secrets. Without the named cache, each thread compiles TypeScript anew: 100 ms and 25 MB.
    env: compileCacheDir ? { NODE_COMPILE_CACHE: dirname(compileCacheDir) } : {},
    // Data is outside of the heap; garbage in it should stay small.
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
    // Else Node closes the thread's descriptors a second time at its end: by then, a number may be another
    // thread's file or connection.
    trackUnmanagedFds: false,
  })
  let stopping = false
  const exited = new Promise<void>(resolve => {
    worker.once('exit', () => resolve())
  })
  worker.on('error', error => {
    if (!stopping) options.onFailure(error instanceof Error ? error : new Error(String(error)))
  })
  worker.on('exit', code => {
    if (!stopping && code !== 0) options.onFailure(new Error(`A thread ended with exit code ${code}`))
  })
  if (options.onMessage) worker.on('message', options.onMessage)
  return {
    post: message => worker.postMessage(message),
    stop: () => {
      stopping = true
      worker.postMessage('end')
      return exited
    },
  }
}

/** Lets a thread end by its event loop, which this alone does not keep alive. */
export function endOnMessage(): void {
  parentPort?.on('message', () => process.exit())
  parentPort?.unref()
}
