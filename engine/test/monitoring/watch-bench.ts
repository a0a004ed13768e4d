import type { Database } from '@telegram-backup/database'
import { type Listener, startListener } from '@telegram-backup/test-support/listener.ts'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { createLogger } from '#logging.ts'
import { openChannels } from '#monitoring/channels.ts'
import { Watch, type WatchOptions } from '#monitoring/watch.ts'

export const EVERY_MS = 100
const HOUR_MS = 3_600_000
/**
 * For tests of what hangs, and of what is right again: that is told after two rounds. A catalog on a busy
 * machine has to answer within them, or its outage is told as well.
 */
export const SHORT_LIMITS: { chatLimitMs: number; catalogLimitMs: number } = {
  chatLimitMs: 700,
  catalogLimitMs: 3000,
}
/** The same for tests in which nothing is away: no outage is told, however long a busy machine takes. */
export const NO_OUTAGES: { chatLimitMs: number; catalogLimitMs: number; patienceMs: number } = {
  ...SHORT_LIMITS,
  patienceMs: 600_000,
}
/** A process with them may take so long from one look to the next. */
export const ROUND_MS: number = EVERY_MS + SHORT_LIMITS.chatLimitMs + SHORT_LIMITS.catalogLimitMs

/**
 * A chat, a catalog and a webhook, and watches over them; for all tests of a file, each of which begins with
 * an empty catalog.
 */
export interface WatchBench {
  readonly vault: TestVault
  readonly database: Database
  readonly listener: Listener
  /** What the watches have logged. */
  readonly lines: { level: string; alert?: string }[]
  /** Whether the way to the chat is cut. */
  isCut: boolean
  /** Starts one that hurries; it is stopped after the test. */
  watch(change?: Partial<WatchOptions> & { webhook?: URL | null }): Watch
  /** What was written to the chat in this test. */
  chatTexts(): string[]
  /** What the webhook has heard in this test, `event kind`. */
  hooked(): string[]
  /** Until all was told that is to be. */
  allTold(): Promise<void>
}

export function watchBench(): WatchBench {
  let vault: TestVault
  let database: Database & { discard(): Promise<void> }
  let listener: Listener
  let watches: Watch[] = []
  let lines: WatchBench['lines'] = []
  /** Texts of the tests before. */
  let earlier = 0

  const allTexts = (): string[] =>
    vault.emulator.inspect.messages(vault.chatId).flatMap(({ text }) => (text === undefined ? [] : [text]))

  beforeAll(async () => {
    vault = await openTestVault()
    database = await openTestCatalog()
    listener = await startListener()
  })
  afterAll(async () => {
    await listener.close()
    await database.discard()
    await vault.close()
  })
  beforeEach(async () => {
    for (const table of ['notices', 'alerts', 'jobs', 'backups', 'schedules'] as const) {
      await database.kysely.deleteFrom(table).execute()
    }
    listener.heard.length = 0
    listener.answerWith(200)
    watches = []
    lines = []
    bench.isCut = false
    earlier = allTexts().length
  })
  afterEach(() => Promise.all(watches.map(one => one.stop())))

  const bench: WatchBench = {
    get vault() {
      return vault
    },
    get database() {
      return database
    },
    get listener() {
      return listener
    },
    get lines() {
      return lines
    },
    isCut: false,
    watch: (change = {}) => {
      const { client } = vault
      const cut = (): void => {
        if (bench.isCut) throw Object.assign(new Error('cut'), { code: 'UNREACHABLE' })
      }
      const texts = {
        sendText: async (...given: Parameters<typeof client.sendText>) => {
          cut()
          return await client.sendText(...given)
        },
      }
      const started = Watch.start({
        database,
        channels: openChannels(
          {
            chat: 'vault',
            webhook: change.webhook === undefined ? new URL(listener.url) : change.webhook,
            leftOut: { chat: [], webhook: [] },
          },
          { texts, vaultChatId: String(vault.chatId) },
        ),
        rules: {
          noBackupForMs: null,
          declared: [],
          smallerThan: 0.5,
          waitingForMs: HOUR_MS,
        },
        intervalOf: () => HOUR_MS,
        // At once: an answer of a server takes as long as the machine likes.
        askChat: async () => {
          cut()
          return undefined
        },
        log: createLogger({ stream: { write: line => lines.push(JSON.parse(line)) } }),
        everyMs: EVERY_MS,
        patienceMs: 300,
        retryPauseMs: 100,
        // Nothing is late on a busy machine but what hangs.
        chatLimitMs: 30_000,
        catalogLimitMs: 30_000,
        ...change,
      })
      watches.push(started)
      return started
    },
    chatTexts: () => allTexts().slice(earlier),
    hooked: () => listener.notices().map(({ event, kind }) => `${event} ${kind}`),
    allTold: async () => {
      await expect
        .poll(async () => (await database.kysely.selectFrom('notices').select('id').execute()).length)
        .toBe(0)
    },
  }
  return bench
}
