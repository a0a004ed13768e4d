import { exitCodeOfSignal } from '@telegram-backup/errors'
import type { Output } from '#commands/output.ts'
import type { Host } from '#host.ts'

/** Ctrl-C, a service manager, a terminal that is closed. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** Longer than the launcher takes to pass a signal on; nobody asks once more so soon. */
const PASSED_ON_WITHIN_MS = 500

export interface StopSignals {
  signal: AbortSignal
  onHangup(listener: () => void): void
  /** Of the signal that came; undefined as long as none did. */
  exitCode(): number | undefined
  /** Who says that it stops. */
  tellBy(output: Output): void
  end(): void
}

/** The first of them asks for an orderly end, the second ends at once; the catalog knows either way. */
export function stopOnSignals(host: Host): StopSignals {
  const controller = new AbortController()
  let hungUp: (() => void) | undefined
  let received: NodeJS.Signals | undefined
  let receivedAt = 0
  let output: Output | undefined
  // Under an older Node a launcher passes on what may have been sent to all processes of a terminal or a service.
  const isFollowed = host.env['TELEGRAM_BACKUP_LAUNCHED_BY'] === String(host.ppid)
  const onSignal = (name: NodeJS.Signals): void => {
    if (name === 'SIGHUP' && hungUp !== undefined) {
      hungUp()
      return
    }
    if (controller.signal.aborted) {
      if (isFollowed && performance.now() - receivedAt < PASSED_ON_WITHIN_MS) return
      // An exit would wait for a system call that blocks, such as opening a FIFO that nobody reads.
      host.emit('exit', exitCodeOfSignal(name))
      host.removeAllListeners(name)
      host.kill(host.pid, name)
      return
    }
    received = name
    receivedAt = performance.now()
    // A terminal has "^C" at the beginning of the line.
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
    tellBy: of => {
      output = of
    },
    end: () => {
      for (const name of STOP_SIGNALS) host.off(name, onSignal)
    },
  }
}
