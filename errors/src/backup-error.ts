import { Hint, type HintWords } from '#hint.ts'

/** What an error has besides its message. */
export interface BackupErrorDetails<Code extends string = string> {
  /** For programs; `exit-codes.ts` maps it to an exit code. Default: `BACKUP_ERROR`. */
  code?: Code | undefined
  /** What to do next, in one sentence. The program's commands and options in it are actions, not text. */
  hint?: string | Hint | undefined
  cause?: unknown
}

/** Any failure of this program; packages with their own codes extend it. Messages hold no secret. */
export class BackupError<Code extends string = string> extends Error {
  override readonly name: string = 'BackupError'
  readonly code: Code
  /** What to do next, worded for the command line. */
  readonly hint?: string
  /** Private, so that a copy or a log of the error does not contain it a second time. */
  readonly #advice: Hint | undefined

  constructor(message: string, { code, hint, cause }: BackupErrorDetails<Code> = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code ?? ('BACKUP_ERROR' as Code)
    this.#advice = hint instanceof Hint ? hint : undefined
    if (hint !== undefined) this.hint = String(hint)
  }

  /** The hint as data, if it has actions, for other faces. */
  get advice(): Hint | undefined {
    return this.#advice
  }
}

/** What a face shows of an error. */
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

/** What to do next, worded by a face; undefined without a hint, or if the face has no words for it. */
export function hintOf(error: unknown, words: HintWords): string | undefined {
  const advice = error instanceof BackupError ? error.advice : undefined
  return advice === undefined ? describeError(error).hint : advice.in(words)
}
