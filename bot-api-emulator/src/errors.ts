/**
 * The emulator was used wrongly or cannot keep its data.
 * Never thrown for what a bot does: a bot gets the answers of the Bot API.
 */
export class EmulatorError extends Error {
  override readonly name = 'EmulatorError'
  /**
   * For programs: DATA_DIR_IN_USE, DATA_DIR_UNREADABLE, UNKNOWN_CHAT, UNKNOWN_BOT, UNKNOWN_MESSAGE,
   * BAD_REQUEST.
   */
  readonly code: string
  /** What to do next, when there is something to do. */
  readonly hint: string | undefined

  constructor(message: string, details: { code: string; hint?: string; cause?: unknown }) {
    super(message, { cause: details.cause })
    this.code = details.code
    this.hint = details.hint
  }
}
