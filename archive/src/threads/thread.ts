import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { parentPort, Worker } from 'node:worker_threads'

/** A running worker thread. */
export interface Thread {
  /** Sends a message, which a thread that waits for its rings can take with `receiveMessageOnPort`. */
  post(message: unknown): void
  /**
   * Resolves when the thread is gone. It is told to end by itself, from its event loop ({@link endWhenTold}) or by its
   * rings, which the caller stops: `terminate()` at the moment when a thread makes a zstd context aborts the whole
   * process (Node 24.21, "close before init"), and leaks what was opened a moment before. May be called repeatedly.
   */
  stop(): Promise<void>
}

/** What a thread needs to start, and who hears of it. */
export interface ThreadOptions<Message> {
  /** The thread's file, for example `#threads/reader.ts`. */
  module: string
  /** What the thread finds as `workerData`. */
  task: unknown
  onMessage?: (message: Message) => void
  /** Called when the thread throws or ends with an exit code; not called after {@link Thread.stop}. */
  onFailure: (error: Error) => void
}

/** Starts a worker thread. The listeners are attached before it can send anything. */
export function startThread<Message = never>(options: ThreadOptions<Message>): Thread {
  // Flags of the process (a test runner's, a debugger's) are not meant for these threads and slow their start.
  const location = new URL(import.meta.resolve(options.module))
  const compileCacheDir = getCompileCacheDir()
  const worker = new Worker(location, {
    workerData: options.task,
    execArgv: [],
    // Neither are its secrets; and a thread has the compiled code of the process only when it is named here. Without it,
    // each compiles TypeScript anew, in 100 ms and 25 MB.
    env: compileCacheDir ? { NODE_COMPILE_CACHE: dirname(compileCacheDir) } : {},
    // What passes through lies outside the heap; little garbage may lie about in it.
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
    // Else Node closes what the thread opened once more at its end, though a socket has closed it: by then, the number
    // may be that of a file or connection of another thread.
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

/** In a thread whose event loop waits for the outside: lets it end when it is told to, and not be kept alive by that. */
export function endWhenTold(): void {
  parentPort?.on('message', () => process.exit())
  parentPort?.unref()
}
