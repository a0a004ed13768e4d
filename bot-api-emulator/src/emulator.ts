import { refusal } from '#answers.ts'
import { type Clock, SYSTEM_CLOCK } from '#clock.ts'
import { Faults } from '#control/faults.ts'
import { type Inspection, inspectionOf } from '#control/inspection.ts'
import { Traffic } from '#control/traffic.ts'
import { answerFailure } from '#http/exchange.ts'
import { listen } from '#http/server.ts'
import { CLOUD_LIMITS, type EmulatorLimits } from '#limits.ts'
import { Pace } from '#methods/pace.ts'
import { openDataFolder } from '#world/data-folder.ts'
import { type ChatDeclaration, declareBot, declareChat } from '#world/declaring.ts'
import type { ChatType } from '#world/records.ts'

/** How to start an emulator. */
export interface EmulatorOptions {
  /** 0, the default, takes any free port. */
  port?: number
  /** 127.0.0.1 by default. */
  host?: string
  /** Kept there and opened again; without it a temporary folder, removed on close. */
  dataDir?: string
  /** The cloud's by default. */
  limits?: Partial<EmulatorLimits>
  /** Whether downloads obey Range headers; no by default, since the cloud promises nothing. */
  rangeRequests?: boolean
  /** The system's clock by default. */
  clock?: Clock
}

/** A bot account. */
export interface EmulatedBot {
  readonly id: number
  readonly token: string
  readonly username: string
}

/** A chat. */
export interface EmulatedChat {
  readonly id: number
  readonly type: ChatType
  readonly title: string
}

/** A running emulator. */
export interface Emulator {
  /** API root without trailing slash. */
  readonly url: string
  createBot(options?: { username?: string }): EmulatedBot
  createChat(declaration: ChatDeclaration): EmulatedChat
  readonly faults: Pick<Faults, 'on' | 'clear'>
  readonly inspect: Inspection
  readonly clock: {
    /** Milliseconds since 1970. */
    now(): number
    /** Moves the clock forward; kept in the data folder. */
    advance(ms: number): void
  }
  /** Ends every connection; what was answered is kept. */
  close(): Promise<void>
}

/** Starts an emulator. Rejects with EmulatorError for an unusable data folder, with Node's error for a taken port. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const limits = { ...CLOUD_LIMITS, ...options.limits }
  const { world, store, kept, close } = openDataFolder(options.dataDir, options.clock ?? SYSTEM_CLOCK)
  const faults = new Faults()
  const traffic = new Traffic()
  const pace = new Pace(world.clock, limits.messagesPerMinutePerChat)
  const rangeRequests = options.rangeRequests ?? false
  const server = await listen(
    { host: options.host ?? '127.0.0.1', port: options.port ?? 0 },
    { world, store, limits, pace, faults, traffic, rangeRequests, kept },
    exchange => answerFailure(exchange, refusal('notFound')),
  ).catch(async error => {
    await close()
    throw error
  })
  return {
    url: server.url,
    createBot: ({ username } = {}) => declareBot(world, username),
    createChat: declaration => declareChat(world, declaration),
    faults,
    inspect: inspectionOf(world, store, traffic),
    clock: {
      now: () => world.clock.now(),
      advance: ms => world.commit({ kind: 'clock', offsetMs: world.clock.offsetMs + ms }),
    },
    close: async () => {
      await server.close()
      await close()
    },
  }
}
