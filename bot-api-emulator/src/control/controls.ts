import type { Faults } from '#control/faults.ts'
import type { Humans } from '#control/humans.ts'
import type { Inspection } from '#control/inspection.ts'
import type { ChatDeclaration } from '#world/declaring.ts'
import type { Bot, Chat } from '#world/records.ts'

/** Everything that a test can do to an emulator besides being a bot. The same is reachable over HTTP. */
export interface Controls {
  createBot(options?: { username?: string }): Bot
  /** A private chat needs exactly one bot. Throws EmulatorError UNKNOWN_BOT, BAD_REQUEST. */
  createChat(declaration: ChatDeclaration): Chat
  readonly faults: Pick<Faults, 'on' | 'clear'>
  readonly inspect: Inspection
  readonly clock: {
    /** Milliseconds since 1970. */
    now(): number
    /** Moves the clock forward; kept in the data folder. Throws EmulatorError BAD_REQUEST for a negative step. */
    advance(ms: number): void
  }
  /** What people do to a chat. */
  readonly asHuman: Humans
}
