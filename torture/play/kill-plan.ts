import type { Chance } from '#torture/chance.ts'
import type { Gate, Moment, Verdict } from '#torture/proxies/moments.ts'

/** What happens to the run: who is killed, or what is broken, and when. */
export type KillPlan =
  | { readonly kind: 'none' }
  /** SIGKILL to the program at a moment; whether a call that was on its way still takes effect. */
  | {
      readonly kind: 'kill'
      readonly channel: Moment['channel']
      readonly phase: Moment['phase']
      readonly number: number
      readonly delivered: boolean
    }
  /** SIGKILL to the program so many milliseconds after its start. */
  | { readonly kind: 'kill-at'; readonly ms: number }
  /** The connection to the catalog is cut, its backend is killed, or the whole server is. */
  | {
      readonly kind: 'cut' | 'kill-backend' | 'kill-server'
      readonly phase: Moment['phase']
      readonly number: number
    }

/** About how many calls and statements a run makes, and how long it takes; to aim. */
export interface Aim {
  readonly api: number
  readonly sql: number
  readonly ms: number
}

/** Chooses what happens. Without a proxy in front of the catalog nothing can happen there. */
export function chooseKill(chance: Chance, aim: Aim, options: { hasSqlProxy: boolean }): KillPlan {
  const sql = options.hasSqlProxy ? 1 : 0
  const phase = chance.pick(['before', 'after'] as const)
  const kind = chance.weighted([
    ['none', 3],
    ['api', 8],
    ['sql', 6 * sql],
    ['time', 4],
    ['cut', 1 * sql],
    ['kill-backend', 0.7 * sql],
    ['kill-server', 0.4 * sql],
  ] as const)
  if (kind === 'none') return { kind }
  if (kind === 'time') return { kind: 'kill-at', ms: chance.whole(0, aim.ms) }
  if (kind !== 'api' && kind !== 'sql') return { kind, phase, number: chance.whole(1, aim.sql) }
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
    case 'kill': {
      const what = plan.channel === 'api' ? 'Bot API call' : 'SQL statement'
      const when = plan.phase === 'after' ? 'after' : plan.delivered ? 'while sending' : 'before'
      return `SIGKILL ${when} a ${what}`
    }
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
  killBackends(): void
  killServer(): Promise<void>
  /** Told when the plan has come true. */
  onHit(moment: Moment): void
}

/** The gate that makes a plan come true. */
export function gateOf(plan: KillPlan, reach: Reach): Gate {
  if (plan.kind === 'none' || plan.kind === 'kill-at') return () => 'pass'
  const channel = plan.kind === 'kill' ? plan.channel : 'sql'
  let isOver = false
  return async (moment): Promise<Verdict> => {
    const meets = moment.channel === channel && moment.phase === plan.phase && moment.number === plan.number
    if (!meets || isOver) return 'pass'
    isOver = true
    reach.onHit(moment)
    switch (plan.kind) {
      case 'kill':
        await reach.killClient()
        return plan.delivered ? 'deliver' : 'cut'
      case 'cut':
        return 'cut'
      case 'kill-backend':
        reach.killBackends()
        return 'cut'
      case 'kill-server':
        await reach.killServer()
        return 'cut'
    }
  }
}
