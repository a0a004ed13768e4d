/** What an error may carry besides its message. */
export interface BackupErrorDetails<Code extends string = string> {
  /** For programs; `exit-codes.ts` says what the command line makes of it. `BACKUP_ERROR` where nothing more is known. */
  code?: Code | undefined
  /** What to do next, one sentence. */
  hint?: string | undefined
  cause?: unknown
}

/** A failure of this program; each package that has codes of its own extends it. The message is for people and holds no secret. */
export class BackupError<Code extends string = string> extends Error {
  override readonly name: string = 'BackupError'
  readonly code: Code
  readonly hint?: string

  constructor(message: string, { code, hint, cause }: BackupErrorDetails<Code> = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code ?? ('BACKUP_ERROR' as Code)
    if (hint !== undefined) this.hint = hint
  }
}

/** An error as it is told. */
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
