import { type Clock, SYSTEM_CLOCK } from '#clock.ts'
import type { Controls } from '#control/controls.ts'
import { Faults } from '#control/faults.ts'
import { humansIn } from '#control/humans.ts'
import { inspectionOf } from '#control/inspection.ts'
import { Traffic } from '#control/traffic.ts'
import { Watchers } from '#control/watchers.ts'
import { EmulatorError } from '#errors.ts'
import { answerControl } from '#http/control-routes.ts'
import { listen } from '#http/server.ts'
import { CLOUD_LIMITS, type EmulatorLimits } from '#limits.ts'
import { LongPolls } from '#methods/long-polls.ts'
import { Pace } from '#methods/pace.ts'
import { UploadSpacing } from '#methods/upload-spacing.ts'
import { openDataFolder } from '#world/data-folder.ts'
import { declareBot, declareChat } from '#world/declaring.ts'
import type { Bot, Chat } from '#world/records.ts'

/** How to start an emulator. */
export interface EmulatorOptions {
  /** 0, the default, takes any free port. */
  port?: number
  /** 127.0.0.1 by default. */
  host?: string
  /** Kept there and opened again; without it a temporary folder, removed on close. */
  dataDir?: string | undefined
  /** The cloud's by default. */
  limits?: Partial<EmulatorLimits>
  /** Whether downloads obey Range headers; no by default, since the cloud promises nothing. */
  rangeRequests?: boolean
  /** The system's clock by default. */
  clock?: Clock
}

/** A running emulator. */
export interface Emulator extends Controls {
  /** API root without trailing slash. */
  readonly url: string
  /** Ends every connection; what was answered is kept. */
  close(): Promise<void>
}

/** Starts an emulator. Rejects with EmulatorError for an unusable data folder, with Node's error for a taken port. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const limits = { ...CLOUD_LIMITS, ...options.limits }
  const { world, store, kept, close } = openDataFolder(options.dataDir, options.clock ?? SYSTEM_CLOCK)
  const faults = new Faults()
  const traffic = new Traffic()
  const watchers = new Watchers()
  const controls: Controls = {
    createBot: ({ username } = {}) => declareBot(world, username),
    createChat: declaration => declareChat(world, declaration),
    faults,
    watch: listener => watchers.add(listener),
    inspect: inspectionOf(world, store, traffic),
    clock: {
      now: () => world.clock.now(),
      advance: ms => {
        if (!(ms >= 0 && Number.isFinite(ms))) {
          throw new EmulatorError('The clock goes forward only.', { code: 'BAD_REQUEST' })
        }
        world.commit({ kind: 'clock', offsetMs: world.clock.offsetMs + ms })
      },
    },
    asHuman: humansIn(world, store),
  }
  const pace = new Pace(world.clock, limits)
  const spacing = new UploadSpacing(world.clock, limits)
  const polls = new LongPolls()
  const rangeRequests = options.rangeRequests ?? false
  try {
    const server = await listen(
      { host: options.host ?? '127.0.0.1', port: options.port ?? 0 },
      { world, store, limits, pace, spacing, polls, faults, traffic, watchers, rangeRequests, kept },
      (exchange, path) => answerControl(exchange, path, controls),
    )
    return {
      ...controls,
      url: server.url,
      close: async () => {
        await server.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * The bot and the channel to work with: the first ones, made if need be, the bot with every right in the channel.
 * On a data folder that is opened again these are the same ones as before.
 */
export function prepareWorld(emulator: Controls): { bot: Bot; chat: Chat } {
  const bot = emulator.inspect.bots()[0] ?? emulator.createBot({ username: 'telegram_backup_bot' })
  const channel = emulator.inspect.chats().find(chat => chat.type === 'channel')
  const chat =
    channel ?? emulator.createChat({ type: 'channel', title: 'Backups', administrators: [{ bot }] })
  return { bot, chat }
}
