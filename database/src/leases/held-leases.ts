/** A lease that this process holds, as far as it knows. */
export interface LocalLease {
  /** The lease was released, or a transaction ended it with its work. */
  end(): void
  /** Another run certainly has it. */
  lose(): void
  /** Its state is unknown until the catalog answers again. */
  doubt(): void
}

/** By token: a write that finds a lease lost, or ends it, tells its holder. */
export const heldLeases: Map<string, LocalLease> = new Map()

/** Tokens of leases that this process released while the catalog was away: their rows mean nothing. */
export const abandonedLeases: Set<string> = new Set()
