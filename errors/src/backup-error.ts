/** What a `BackupError` may carry besides its message. */
export interface BackupErrorDetails {
  /** For programs; see `exit-codes.ts` for what the command line makes of it. */
  code?: string
  /** What to do next, one sentence. */
  hint?: string
  cause?: unknown
}

/** A failure of this application. The message is for people and holds no secret. */
export class BackupError extends Error {
  override readonly name: string = 'BackupError'
  /** `BACKUP_ERROR` where nothing more is known. */
  readonly code: string
  readonly hint?: string

  constructor(message: string, details: BackupErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = details.code ?? 'BACKUP_ERROR'
    if (details.hint !== undefined) this.hint = details.hint
  }
}

/** The errors of all packages have this shape, whatever their class. */
export interface DescribedError {
  message: string
  code: string
  hint?: string
}

/** Code, message and hint of anything that was thrown. */
export function describeError(error: unknown): DescribedError {
  if (!(error instanceof Error)) return { message: String(error), code: 'UNEXPECTED' }
  const { code, hint } = error as Error & { code?: unknown; hint?: unknown }
  return {
    message: error.message,
    code: typeof code === 'string' ? code : 'UNEXPECTED',
    ...(typeof hint === 'string' ? { hint } : {}),
  }
}
