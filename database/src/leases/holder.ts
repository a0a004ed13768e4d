import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { errorCode } from '#catalog-error.ts'

export type LeasePurpose =
  | 'send'
  | 'erase'
  | 'restore'
  | 'reconcile'
  | 'recover'
  | 'verify'
  | 'job'
  | 'hooks'
  | 'objects'

/** A process, so that another one on the same machine can tell whether it is still there. */
export interface Holder {
  /** The running machine and its pid namespace; null when the system does not tell. */
  host: string | null
  pid: number
  /** When it started, in the system's own count: another process may get the same pid later. */
  started: string | null
  /** For people. */
  hostname: string
}

export function thisProcess(): Holder {
  const host = machine()
  return {
    host,
    pid: process.pid,
    started: (host === null ? null : statOf(process.pid)?.started) ?? null,
    hostname: hostname(),
  }
}

/** True only for certain: a process of this machine that has ended, or whose pid another process has now. */
export function isGone(holder: Holder): boolean {
  if (holder.host === null || holder.started === null || holder.host !== machine()) return false
  if (!answers(holder.pid)) return true
  const stat = statOf(holder.pid)
  return stat !== undefined && (stat.started !== holder.started || stat.ended)
}

function machine(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return null
  }
}

// Checked first: where other users' processes are hidden, a missing folder in /proc proves nothing.
function answers(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) !== 'ESRCH'
  }
}

/** See proc_pid_stat(5): the name, field 2, may hold anything, also blanks and parentheses. */
function statOf(pid: number): { started: string; ended: boolean } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state = '', started = ''] = [fields[0], fields[19]]
    return started === '' ? undefined : { started, ended: 'ZXx'.includes(state) }
  } catch {
    return undefined
  }
}
