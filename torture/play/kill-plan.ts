import type { Chance } from '#torture/chance.ts'
import type { Gate, Moment, Verdict } from '#torture/proxies/moments.ts'

/** What happens to the run: who is killed, or what is broken, and when. */
export type KillPlan =
  | { readonly kind: 'none' }
  /**
   * SIGKILL to the program at a moment; whether a call that was on its way still takes effect. `number`
   * counts, in this channel, only what changes something: a death between two reads leaves what a death
   * before the first one leaves.
   */
  | {
      readonly kind: 'kill'
      readonly channel: Moment['channel']
      readonly phase: Moment['phase']
      readonly number: number
      readonly delivered: boolean
    }
  /** SIGKILL to the program at a download, counted alone: before it, or before the program has the bytes. */
  | { readonly kind: 'kill-download'; readonly phase: Moment['phase']; readonly number: number }
  /**
   * After so many milliseconds SIGKILL to the program or to the server of its embedded catalog, or SIGTERM to
   * the program.
   */
  | { readonly kind: 'kill-at' | 'kill-embedded' | 'stop-at'; readonly ms: number }
  /** The connection to the catalog is cut, its backend is killed, or the whole server is. */
  | {
      readonly kind: 'cut' | 'kill-backend' | 'kill-server'
      readonly phase: Moment['phase']
      readonly number: number
    }

/** How many calls and statements that change something a run makes when nothing disturbs it; to aim. */
export interface Aim {
  readonly api: number
  readonly sql: number
}

/** Of three statements about one changes something. */
const STATEMENTS_PER_CHANGE = 2.3
/** Until a run has loaded its code, nothing happens; most are over by then. */
const EARLIEST_MS = 350
const LATEST_MS = 1300

/** Chooses what happens. An embedded catalog has no proxy in front of it, but a server of its own. */
export function chooseKill(chance: Chance, aim: Aim, options: { isEmbedded: boolean }): KillPlan {
  const sql = options.isEmbedded ? 0 : 1
  const phase = chance.pick(['before', 'after'] as const)
  const kind = chance.weighted([
    ['none', 3],
    ['api', 8],
    ['sql', 6 * sql],
    ['time', 4],
    ['cut', 1 * sql],
    ['kill-backend', 0.7 * sql],
    ['kill-server', 0.4 * sql],
    ['kill-embedded', 6 * (1 - sql)],
  ] as const)
  if (kind === 'none') return { kind }
  const ms = chance.whole(EARLIEST_MS, LATEST_MS)
  if (kind === 'time') return { kind: 'kill-at', ms }
  if (kind === 'kill-embedded') return { kind, ms }
  if (kind !== 'api' && kind !== 'sql') {
    return { kind, phase, number: chance.whole(1, Math.round(aim.sql * STATEMENTS_PER_CHANGE)) }
  }
  const number = chance.whole(1, aim[kind])
  return { kind: 'kill', channel: kind, phase, number, delivered: phase === 'before' && chance.happens(0.5) }
}

/** Short words for the tables and for a replay. */
export function wordsOf(plan: KillPlan): string {
  switch (plan.kind) {
    case 'none':
      return 'nothing killed'
    case 'kill-at':
      return 'SIGKILL at a random time'
    case 'stop-at':
      return 'SIGTERM at a random time'
    case 'kill-embedded':
      return 'server of the embedded catalog killed'
    case 'kill': {
      const what = plan.channel === 'api' ? 'Bot API call' : 'SQL statement'
      const when = plan.phase === 'after' ? 'after' : plan.delivered ? 'while sending' : 'before'
      return `SIGKILL ${when} a ${what}`
    }
    case 'kill-download':
      return `SIGKILL ${plan.phase} a download`
    case 'cut':
      return `connection to the catalog cut ${plan.phase} a statement`
    case 'kill-backend':
      return `PostgreSQL backend killed ${plan.phase} a statement`
    case 'kill-server':
      return `PostgreSQL server killed ${plan.phase} a statement`
  }
}

/** What a plan can lay its hands on. */
export interface Reach {
  killClient(): Promise<void>
  killBackends(): Promise<void>
  killServer(): Promise<void>
  /** Told when the plan has come true. */
  onHit(moment: Moment): void
}

/** The gate that makes a plan come true. */
export function gateOf(plan: KillPlan, reach: Reach): Gate {
  if (!('phase' in plan)) return () => 'pass'
  const isOfDownload = plan.kind === 'kill-download'
  const channel = isOfDownload ? 'api' : plan.kind === 'kill' ? plan.channel : 'sql'
  let met = 0
  return async (moment): Promise<Verdict> => {
    if (moment.channel !== channel || moment.phase !== plan.phase) return 'pass'
    if (plan.kind === 'kill' && !moment.changes) return 'pass'
    if (isOfDownload && moment.what !== 'download') return 'pass'
    if (++met !== plan.number) return 'pass'
    reach.onHit(moment)
    switch (plan.kind) {
      case 'kill':
        await reach.killClient()
        return plan.delivered ? 'deliver' : 'cut'
      case 'kill-download':
        await reach.killClient()
        return 'cut'
      case 'cut':
        return 'cut'
      case 'kill-backend':
        await reach.killBackends()
        return 'cut'
      case 'kill-server':
        await reach.killServer()
        return 'cut'
    }
  }
}
