import type { Faults } from '#control/faults.ts'
import type { Humans } from '#control/humans.ts'
import type { Inspection } from '#control/inspection.ts'
import type { CallListener } from '#control/watchers.ts'
import type { ChatDeclaration } from '#world/declaring.ts'
import type { Bot, Chat } from '#world/records.ts'

/**
 * Everything that a test can do to an emulator besides being a bot. All but `watch` is reachable over HTTP
 * too.
 */
export interface Controls {
  createBot(options?: { username?: string }): Bot
  /** A private chat needs exactly one bot. Throws EmulatorError UNKNOWN_BOT, BAD_REQUEST. */
  createChat(declaration: ChatDeclaration): Chat
  readonly faults: Pick<Faults, 'on' | 'atRandom' | 'clear'>
  readonly inspect: Inspection
  readonly clock: {
    /** Milliseconds since 1970. */
    now(): number
    /**
     * Moves the clock forward; kept in the data folder. Throws EmulatorError BAD_REQUEST for a negative step.
     */
    advance(ms: number): void
  }
  /** Hears of every call, in this process only; the answer ends it. */
  watch(listener: CallListener): () => void
  /** What people do to a chat. */
  readonly asHuman: Humans
}
