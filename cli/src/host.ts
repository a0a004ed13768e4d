import type { Readable, Writable } from 'node:stream'

/** Where text is printed; `process.stdout` is one. */
export interface TextSink {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}

/** A stream of standard output or error. */
export type HostOutput = Writable & TextSink

/** What the command line takes from the process that it runs in. Node's `process` is one. */
export interface Host {
  readonly env: NodeJS.ProcessEnv
  readonly pid: number
  readonly ppid: number
  readonly stdin: Readable & { isTTY?: boolean }
  readonly stdout: HostOutput
  readonly stderr: HostOutput
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  removeAllListeners(signal: NodeJS.Signals): unknown
  /** Runs the clean-up that was registered for the exit. */
  emit(event: 'exit', code: number): boolean
  exit(code: number): never
  kill(pid: number, signal: NodeJS.Signals): unknown
}
