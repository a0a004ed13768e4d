/**
 * Where the client stands when something happens: a Bot API call or an SQL statement, before or after it is
 * done.
 */
export interface Moment {
  readonly channel: 'api' | 'sql'
  /**
   * `before`: the server has not seen it yet. `after`: it is done, and the client has not heard of it yet.
   */
  readonly phase: 'before' | 'after'
  /** Counts from 1 within the channel, in the order of arrival. */
  readonly number: number
  /**
   * Whether the chat or the catalog may be another one after it: neither a read nor the begin of a
   * transaction.
   */
  readonly changes: boolean
  /** Name of the method in lower case, or the first words of the statement. */
  readonly what: string
}

/**
 * What becomes of a moment. `cut`: the connection is broken; before the work the server never sees it.
 * `deliver`: the connection is broken, and the server gets it all the same.
 */
export type Verdict = 'pass' | 'cut' | 'deliver'

/**
 * Decides about each moment. While it thinks, nothing moves: a client that it kills is dead before the answer
 * leaves.
 */
export type Gate = (moment: Moment) => Verdict | Promise<Verdict>
