/** A failure to order. All up to `error` replace the method's work, which then has no effect. */
export type Fault =
  /** The connection is cut before the body is read. */
  | { readonly kind: 'reset-before' }
  /** The connection is cut in the middle of the body. */
  | { readonly kind: 'reset-during' }
  /** A 5xx: JSON as the Bot API words it, or the HTML of a proxy in front of it. */
  | { readonly kind: 'status'; readonly status: 500 | 502 | 503; readonly html?: boolean }
  /** A flood wait: 429, or the 400 without parameters that floods during a file transfer become. */
  | { readonly kind: 'flood'; readonly retryAfterSeconds: number; readonly wrapped400?: boolean }
  /** A 413 with the body that different servers on the way give it. */
  | { readonly kind: 'too-large'; readonly body: 'json' | 'empty' | 'html' }
  /** Any refusal of the Bot API. */
  | { readonly kind: 'error'; readonly errorCode: number; readonly description: string }
  /** The work is done and kept, then the connection is cut without an answer. */
  | { readonly kind: 'answer-lost' }
  /**
   * The connection is cut, or a proxy gives up with a 502, when the body has come; the work is done `ms`
   * later.
   */
  | { readonly kind: 'late'; readonly ms: number; readonly answer?: 'reset' | 'bad-gateway' }
  /** deleteMessages only: `true`, and nothing was deleted, as when its look-up failed behind the scenes. */
  | { readonly kind: 'false-true' }
  /** Everything as usual, but later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** A download ends after so many bytes: cut, or with a Content-Length that hides it. */
  | { readonly kind: 'truncate'; readonly keepBytes: number; readonly hidden?: boolean }
  /** A download with one bit turned. `offset` is a byte of the file; behind its end nothing happens. */
  | { readonly kind: 'flip-bit'; readonly offset: number }
  /** A download at this rate. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }

const FAULT_KINDS: ReadonlySet<unknown> = new Set<Fault['kind']>([
  'reset-before',
  'reset-during',
  'status',
  'flood',
  'too-large',
  'error',
  'answer-lost',
  'late',
  'false-true',
  'delay',
  'truncate',
  'flip-bit',
  'slow',
])

/** Whether a value from outside is of a known kind; its fields are taken on trust. */
export function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'kind' in value && FAULT_KINDS.has(value.kind)
}
