import type { Chance } from '#torture/chance.ts'
import type { ApiFault } from '#torture/proxies/api-proxy.ts'

/** How the Bot API behaves during a run. */
export interface FaultPlan {
  readonly words: string
  /** Asked once for each call. */
  faultFor(method: string): ApiFault | undefined
}

/** Calls that make a message. */
const SENDS = new Set(['senddocument', 'sendmessage', 'forwardmessage', 'copymessage', 'sendmediagroup'])
/** Most that goes wrong in one run; each costs the client a pause. */
const MOST_FAULTS = 4

type Weather = 'fair' | 'lost-answers' | 'late' | 'bad-network' | 'floods' | 'bad-downloads' | 'all'

const WEATHER: ReadonlyArray<readonly [Weather, number]> = [
  ['fair', 8],
  ['lost-answers', 4],
  ['late', 3],
  ['bad-network', 2],
  ['floods', 1],
  ['bad-downloads', 1],
  ['all', 2],
]

/** Chooses the weather, and within it what befalls which call. `onFault` hears of each as it happens. */
export function chooseFaults(chance: Chance, onFault: (words: string) => void): FaultPlan {
  const weather = chance.weighted(WEATHER)
  const probability = chance.pick([0.08, 0.2, 0.5])
  let left = MOST_FAULTS
  return {
    words: weather,
    faultFor: method => {
      if (weather === 'fair' || left === 0 || !chance.happens(probability)) return undefined
      const fault = faultOf(weather, method, chance)
      if (!fault) return undefined
      left--
      onFault(fault.kind === 'late' ? `late (${fault.ms === 'held' ? 'held back' : 'soon'})` : fault.kind)
      return fault
    },
  }
}

/** Nothing goes wrong, but each call takes a while: so that two commands meet in the middle of their work. */
export function slowly(chance: Chance): FaultPlan {
  return { words: 'slow', faultFor: () => ({ kind: 'slow', ms: chance.whole(50, 250) }) }
}

function faultOf(weather: Weather, method: string, chance: Chance): ApiFault | undefined {
  switch (weather) {
    case 'lost-answers':
      return { kind: chance.pick(['answer-lost', 'answer-becomes-bad-gateway'] as const) }
    case 'late':
      return SENDS.has(method) ? late(chance) : undefined
    case 'bad-network':
      return { kind: chance.pick(['unreachable', 'bad-gateway', 'server-error', 'unavailable'] as const) }
    case 'floods':
      return { kind: 'flood', seconds: 1, wrapped: SENDS.has(method) && chance.happens(0.5) }
    case 'bad-downloads':
      if (method === 'getfile') return { kind: 'temporarily-unavailable' }
      if (method === 'download') return { kind: chance.pick(['answer-cut-short', 'flip-bit'] as const) }
      return { kind: 'slow', ms: chance.whole(5, 100) }
    default: {
      const kinds = ['lost-answers', 'late', 'bad-network', 'floods', 'bad-downloads'] as const
      return faultOf(chance.pick(kinds), method, chance)
    }
  }
}

function late(chance: Chance): ApiFault {
  return {
    kind: 'late',
    ms: chance.happens(0.4) ? 'held' : chance.whole(5, 2500),
    answer: chance.pick(['reset', 'bad-gateway'] as const),
  }
}
