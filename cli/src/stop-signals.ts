import { exitCodeOfSignal } from '@telegram-backup/errors'
import type { Output } from '#commands/output.ts'
import type { Host } from '#host.ts'

/** Ctrl-C, a service manager, a terminal that is closed. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** Longer than the launcher needs to pass a signal on, shorter than a person needs to press a key again. */
const PASSED_ON_WITHIN_MS = 500

export interface StopSignals {
  signal: AbortSignal
  onHangup(listener: () => void): void
  /** The exit code for the signal that came; undefined before one came. */
  exitCode(): number | undefined
  /** Where the message about the stop is printed. */
  printTo(output: Output): void
  end(): void
}

/**
 * The first signal asks for a clean stop, the second ends the process at once. The catalog stays correct in
 * both cases.
 */
export function stopOnSignals(host: Host): StopSignals {
  const controller = new AbortController()
  let hungUp: (() => void) | undefined
  let received: NodeJS.Signals | undefined
  let receivedAt = 0
  let output: Output | undefined
  // Under an older Node, a launcher passes signals on, and a terminal may have sent the same signal here too.
  const isFollowed = host.env['TELEGRAM_BACKUP_LAUNCHED_BY'] === String(host.ppid)
  const onSignal = (name: NodeJS.Signals): void => {
    if (name === 'SIGHUP' && hungUp !== undefined) {
      hungUp()
      return
    }
    if (controller.signal.aborted) {
      if (isFollowed && performance.now() - receivedAt < PASSED_ON_WITHIN_MS) return
      // A plain exit would wait for a blocking system call, such as opening a FIFO that has no reader.
      host.emit('exit', exitCodeOfSignal(name))
      host.removeAllListeners(name)
      host.kill(host.pid, name)
      return
    }
    received = name
    receivedAt = performance.now()
    // The terminal has printed "^C": start a new line.
    if (host.stderr.isTTY) host.stderr.write('\n')
    output?.note('Stopping cleanly; press Ctrl-C again to quit now.')
    controller.abort()
  }
  for (const name of STOP_SIGNALS) host.on(name, onSignal)
  return {
    signal: controller.signal,
    exitCode: () => (received === undefined ? undefined : exitCodeOfSignal(received)),
    onHangup: listener => {
      if (!host.stderr.isTTY) hungUp = listener
    },
    printTo: to => {
      output = to
    },
    end: () => {
      for (const name of STOP_SIGNALS) host.off(name, onSignal)
    },
  }
}
