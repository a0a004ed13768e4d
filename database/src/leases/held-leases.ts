/** A lease that this process holds, as far as it knows. */
export interface LocalLease {
  /** It was given back, or the transaction that ended its work has ended it. */
  end(): void
  /** It is certain that another run has it. */
  lose(): void
  /** Nobody knows whether it is still there, until the catalog has been asked. */
  doubt(): void
}

/** By token. So that a write which finds a lease lost, or ends it, tells whoever holds it. */
export const heldLeases: Map<string, LocalLease> = new Map()

/** Tokens of leases that this process has given up while the catalog was away: their rows mean nothing any more. */
export const abandonedLeases: Set<string> = new Set()
