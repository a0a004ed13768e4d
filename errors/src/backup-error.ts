import { Hint, type HintWords } from '#hint.ts'

/** What an error may carry besides its message. */
export interface BackupErrorDetails<Code extends string = string> {
  /** For programs; `exit-codes.ts` says what the command line makes of it. `BACKUP_ERROR` where nothing more is known. */
  code?: Code | undefined
  /** What to do next, one sentence. Commands and options of the program are actions in it, not text. */
  hint?: string | Hint | undefined
  cause?: unknown
}

/** A failure of this program; each package that has codes of its own extends it. The message is for people and holds no secret. */
export class BackupError<Code extends string = string> extends Error {
  override readonly name: string = 'BackupError'
  readonly code: Code
  /** What to do next, in the words of the command line. */
  readonly hint?: string
  /** The same as data, where it has actions that other faces word in another way. */
  readonly advice?: Hint

  constructor(message: string, { code, hint, cause }: BackupErrorDetails<Code> = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code ?? ('BACKUP_ERROR' as Code)
    if (hint instanceof Hint) {
      this.advice = hint
      this.hint = hint.toString()
    } else if (hint !== undefined) this.hint = hint
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

/** What to do next, in the words of a face; undefined without a hint, and where the face has no words for it. */
export function hintOf(error: unknown, words: HintWords): string | undefined {
  const advice = error instanceof BackupError ? error.advice : undefined
  return advice === undefined ? describeError(error).hint : advice.in(words)
}
