import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** An emulator in a process of its own, killed at the end of its scope. */
export interface EmulatorProcess extends AsyncDisposable {
  readonly url: string
  readonly child: ChildProcess
  /** The most memory that the process ever held (resident set), in bytes. */
  peakBytes(): Promise<number>
}

/** Starts an emulator on a data folder in another process. */
export async function startProcess(dataDir: string): Promise<EmulatorProcess> {
  const child = fork(fileURLToPath(import.meta.resolve('#test/emulator-process.ts')), [dataDir], {
    execArgv: [],
  })
  const exited = once(child, 'exit')
  const [{ url }] = await once(child, 'message')
  return {
    url,
    child,
    peakBytes: async () => {
      child.send('peak')
      const [{ peakBytes }] = await once(child, 'message')
      return peakBytes
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
