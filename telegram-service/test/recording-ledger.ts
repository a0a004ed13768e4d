import type { MessageKey, PartLedger } from '#index.ts'

/** What a ledger was told, in order. `part 3` and `manifest` name the messages. */
export interface RecordingLedger extends PartLedger {
  readonly calls: string[]
  /** Per message: the last thing that the ledger was told of it. */
  readonly states: Map<string, 'intended' | 'confirmed' | 'erased'>
  /** Calls of which the ledger does not know what became of them. */
  readonly openSends: Set<string>
  readonly reasons: string[]
}

export type LedgerMethod = Exclude<keyof PartLedger, 'vault' | 'leaseLost' | 'holdsLease'>

/** A ledger that writes down what it hears, and may fail at one of its calls. */
export function recordingLedger(
  options: {
    failAt?: { method: LedgerMethod; call?: number }
    onCall?: (call: string) => void
    /** Takes the lease away when it fires. */
    leaseLost?: AbortSignal
  } = {},
): RecordingLedger {
  const calls: string[] = []
  const states: RecordingLedger['states'] = new Map()
  const openSends = new Set<string>()
  const reasons: string[] = []
  const counts = new Map<LedgerMethod, number>()
  const { leaseLost = new AbortController().signal } = options
  let sends = 0
  const note = async (method: LedgerMethod, what: string): Promise<void> => {
    const count = (counts.get(method) ?? 0) + 1
    counts.set(method, count)
    const { failAt, onCall } = options
    // A real ledger takes its time as well.
    await new Promise(resolve => setImmediate(resolve))
    if (failAt?.method === method && count === (failAt.call ?? 1))
      throw new Error(`the ledger broke at ${method}`)
    const call = what === '' ? method : `${method} ${what}`
    calls.push(call)
    onCall?.(call)
  }
  const about = (key: MessageKey): string => (key.kind === 'manifest' ? 'manifest' : `part ${key.partNumber}`)
  return {
    calls,
    states,
    openSends,
    reasons,
    leaseLost,
    holdsLease: () => !leaseLost.aborted,
    openBackup: async () => {
      await note('openBackup', '')
      return { catalogId: '6a3f0c9e-5f0e-4a53-9b6d-0d9b3f5f9c11', generation: 2 }
    },
    reopenBackup: async () => {
      await note('reopenBackup', '')
      return { catalogId: '6a3f0c9e-5f0e-4a53-9b6d-0d9b3f5f9c11', generation: 2 }
    },
    intendMessage: async message => {
      await note('intendMessage', about(message))
      states.set(about(message), 'intended')
      const sendId = `send ${++sends}`
      openSends.add(sendId)
      return { sendId, afterMessageId: 0 }
    },
    confirmMessage: async proof => {
      await note('confirmMessage', about(proof))
      states.set(about(proof), 'confirmed')
      openSends.delete(proof.sendId)
    },
    sendRefused: async sendId => {
      await note('sendRefused', sendId)
      openSends.delete(sendId)
    },
    manifestBelow: async () => {
      await note('manifestBelow', '')
      return undefined
    },
    sealBackup: async () => note('sealBackup', ''),
    unsealBackup: async () => {
      await note('unsealBackup', '')
    },
    messageErased: async key => {
      await note('messageErased', about(key))
      states.set(about(key), 'erased')
    },
    failBackup: async ({ cause, leftover }) => {
      await note('failBackup', '')
      reasons.push((cause instanceof Error ? cause.message : String(cause)) + leftover)
    },
  }
}
