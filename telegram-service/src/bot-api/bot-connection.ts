import { createHash } from 'node:crypto'
import { MAX_JSON_ANSWER_BYTES, readAnswer, readFileAnswer } from '#bot-api/api-answer.ts'
import { UnexpectedAnswer } from '#bot-api/bot-api-types.ts'
import { messageOf, observeCall } from '#bot-api/call-observer.ts'
import {
  type CallOptions,
  type CallPolicy,
  callWithPolicy,
  DEFAULT_CALL_POLICY,
} from '#bot-api/call-policy.ts'
import { ChatPace, type PaceSlot } from '#bot-api/chat-pace.ts'
import { assertPace, parseApiRoot, type TelegramClientOptions } from '#bot-api/client-options.ts'
import {
  type DownloadedFile,
  type DownloadOptions,
  filePathInUrl,
  readLocalFile,
} from '#bot-api/file-download.ts'
import { type ExchangeTimeouts, exchange } from '#bot-api/http-exchange.ts'
import { Turn } from '#bot-api/turn.ts'
import { UploadRate } from '#bot-api/upload-rate.ts'
import { PUBLIC_API_ROOT, readTelegramConfig } from '#config.ts'
import { TelegramError } from '#telegram-error.ts'

const DEFAULT_TIMEOUTS: ExchangeTimeouts = {
  connectMs: 20_000,
  stallMs: 60_000,
  answerMs: 600_000,
  answerAfterCancelMs: 20_000,
}
/** Room for a refusal when the file is small. */
const MIN_ANSWER_BYTES = 64 * 1024

export interface ApiCall<Result> {
  method: string
  contentType: string
  body: Buffer[]
  read: (result: unknown) => Result
}

export function jsonCall<Result>(
  method: string,
  parameters: Record<string, unknown>,
  read: (result: unknown) => Result,
): ApiCall<Result> {
  return { method, contentType: 'application/json', body: [Buffer.from(JSON.stringify(parameters))], read }
}

/** Of calls that make a message. */
export interface SendOptions extends CallOptions {
  /** Who sends; turns go round between the flows that wait for the pace of a chat. */
  flow?: string | undefined
  /** Taken before, in the same chat; without one, the call waits for one. */
  turn?: Turn | undefined
}

export interface UploadOptions extends SendOptions {
  /** Called with the number of bytes that the connection took; must not throw. */
  onBytesOut?: ((bytes: number) => void) | undefined
}

/** One bot at one Bot API server: the only place that knows the token. */
export class BotConnection {
  /** The number before the colon of the token. */
  readonly botId: string
  readonly usesPublicServer: boolean
  readonly messagesPerMinute: number
  readonly #options: TelegramClientOptions
  readonly #token: string
  readonly #apiRoot: string
  readonly #timeouts: ExchangeTimeouts
  readonly #policy: CallPolicy
  readonly #transferPolicy: CallPolicy
  readonly #uploadRate: UploadRate | undefined
  readonly #paces: Map<string, ChatPace>

  /** Opens no connection. `paces` are shared by connections of one bot. Throws `CONFIGURATION`. */
  constructor(options: TelegramClientOptions, paces: Map<string, ChatPace> = new Map()) {
    const config = readTelegramConfig()
    this.#options = options
    this.#token = options.token
    this.botId = botIdOf(options.token)
    this.#apiRoot = (options.apiRoot ?? config.apiRoot ?? PUBLIC_API_ROOT).replace(/\/+$/, '')
    this.usesPublicServer = parseApiRoot(this.#apiRoot).hostname === new URL(PUBLIC_API_ROOT).hostname
    this.messagesPerMinute =
      options.messagesPerMinute ?? config.messagesPerMinute ?? (this.usesPublicServer ? 20 : 0)
    assertPace(this.messagesPerMinute)
    this.#timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
    this.#policy = { ...DEFAULT_CALL_POLICY, ...options.policy }
    this.#transferPolicy = { ...this.#policy, maxTries: this.#policy.transferTries }
    const { uploadBytesPerSecond } = options
    this.#uploadRate = uploadBytesPerSecond === undefined ? undefined : new UploadRate(uploadBytesPerSecond)
    this.#paces = paces
  }

  /** The same bot and paces, with its own limit on uploads. */
  withUploadLimit(bytesPerSecond: number): BotConnection {
    return new BotConnection({ ...this.#options, uploadBytesPerSecond: bytesPerSecond }, this.#paces)
  }

  paceOf(chatId: string): ChatPace {
    const pace = this.#paces.get(chatId) ?? new ChatPace(this.messagesPerMinute)
    this.#paces.set(chatId, pace)
    return pace
  }

  /** Waits until a message may be sent. Throws `CANCELLED`. */
  async takeTurn(chatId: string, options: SendOptions): Promise<Turn> {
    return new Turn(await this.#slot(chatId, this.#observed(options)))
  }

  async once<Result>(
    call: ApiCall<Result>,
    options: CallOptions & { freshConnection: boolean },
  ): Promise<Result> {
    return await this.#exchange(call, { ...options, repeatable: true, isUpload: false })
  }

  /** For a call that may be repeated. */
  async repeatable<Result>(call: ApiCall<Result>, options: CallOptions): Promise<Result> {
    return await callWithPolicy(again => this.once(call, { ...options, freshConnection: again }), {
      ...this.#observed(options),
      kind: 'repeatable',
      policy: this.#policy,
    })
  }

  /** The same with a file: more tries, and the limit on uploads. */
  async repeatableUpload<Result>(call: ApiCall<Result>, options: UploadOptions): Promise<Result> {
    const how = { ...options, repeatable: true, isUpload: true }
    return await callWithPolicy(again => this.#exchange(call, { ...how, freshConnection: again }), {
      ...this.#observed(options),
      kind: 'repeatable',
      policy: this.#transferPolicy,
    })
  }

  /** Makes a message at the chat's pace. Never repeats a call that may have arrived (`ANSWER_LOST`). */
  async send<Result>(chatId: string, call: ApiCall<Result>, options: UploadOptions): Promise<Result> {
    const observed = this.#observed(options)
    return await callWithPolicy(() => this.#sendOnce(chatId, call, observed), {
      ...observed,
      kind: 'send',
      policy: this.#transferPolicy,
    })
  }

  /** Downloads a file. `locate` gives its path, before each try. */
  async download(
    locate: (again: boolean) => Promise<string>,
    options: DownloadOptions,
  ): Promise<DownloadedFile> {
    return await callWithPolicy(async again => this.#downloadOnce(await locate(again), options, again), {
      ...this.#observed(options),
      kind: 'repeatable',
      policy: this.#transferPolicy,
    })
  }

  #observed<On extends CallOptions>(on: On): On {
    const { observer } = this.#options
    if (observer?.onWait === undefined) return on
    return {
      ...on,
      onWait: wait => {
        observer.onWait?.(wait)
        on.onWait?.(wait)
      },
    }
  }

  async #exchange<Result>(
    call: ApiCall<Result>,
    how: UploadOptions & { repeatable: boolean; isUpload: boolean; freshConnection?: boolean },
  ): Promise<Result> {
    const { method, body } = call
    const bytes = body.reduce((sum, { length }) => sum + length, 0)
    const { observer } = this.#options
    return await observeCall(
      observer,
      { method, bytes },
      () => this.#exchangeOnce(call, how, bytes),
      messageOf,
    )
  }

  async #exchangeOnce<Result>(
    { method, contentType, body, read }: ApiCall<Result>,
    how: UploadOptions & { repeatable: boolean; isUpload: boolean; freshConnection?: boolean },
    bytes: number,
  ): Promise<Result> {
    const answer = await exchange({
      url: new URL(`${this.#apiRoot}/bot${this.#token}/${method}`),
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
      rate: how.isUpload ? this.#uploadRate : undefined,
      repeatable: how.repeatable,
      freshConnection: how.freshConnection ?? false,
      answer: { maxBytes: MAX_JSON_ANSWER_BYTES },
      timeouts: this.#timeouts,
      signal: how.signal,
      onBytesOut: how.onBytesOut,
    })
    this.#options.observer?.onTransfer?.('up', bytes)
    return readResult(readAnswer(answer, this.#token), read)
  }

  async #sendOnce<Result>(chatId: string, call: ApiCall<Result>, options: UploadOptions): Promise<Result> {
    const pace = this.paceOf(chatId)
    const slot = options.turn?.claim() ?? (await this.#slot(chatId, options))
    try {
      return await this.#exchange(call, { ...options, repeatable: false, isUpload: true })
    } catch (error) {
      const wait = error instanceof TelegramError ? error.retryAfterSeconds : undefined
      // Not longer than a call may wait: a server that once says "a year" must not end all sending.
      if (wait !== undefined) pace.hold(Math.min(Math.max(1, wait), this.#policy.maxFloodWaitSeconds) * 1000)
      throw error
    } finally {
      slot.done()
    }
  }

  async #slot(chatId: string, { flow, signal, onWait }: SendOptions): Promise<PaceSlot> {
    return await this.paceOf(chatId).enter({
      flow,
      signal,
      onWait: (ms, reason) => onWait?.({ reason, seconds: ms / 1000 }),
    })
  }

  async #downloadOnce(
    filePath: string,
    options: DownloadOptions,
    freshConnection: boolean,
  ): Promise<DownloadedFile> {
    return await observeCall(
      this.#options.observer,
      { method: 'download', bytes: 0 },
      () => this.#readFile(filePath, options, freshConnection),
      ({ bytes }) => ({ bytes: bytes.length }),
    )
  }

  async #readFile(
    filePath: string,
    { maxBytes, into, signal }: DownloadOptions,
    freshConnection: boolean,
  ): Promise<DownloadedFile> {
    // A server with --local answers with a path on its disk.
    if (filePath.startsWith('/') && !this.usesPublicServer) return readLocalFile(filePath, maxBytes)
    const hash = createHash('sha256')
    const answer = await exchange({
      url: new URL(`${this.#apiRoot}/file/bot${this.#token}/${filePathInUrl(filePath)}`),
      method: 'GET',
      repeatable: true,
      freshConnection,
      answer: { maxBytes: Math.max(maxBytes, MIN_ANSWER_BYTES), into, hash },
      timeouts: this.#timeouts,
      signal,
    })
    const bytes = readFileAnswer(answer, this.#token)
    if (bytes.length > maxBytes)
      throw new TelegramError('The file is longer than it may be', { code: 'UNPROVEN' })
    this.#options.observer?.onTransfer?.('down', bytes.length)
    return { bytes, sha256: hash.digest('hex') }
  }
}

function botIdOf(token: string): string {
  const [, botId] = /^(\d{1,20}):[A-Za-z0-9_-]+$/.exec(token ?? '') ?? []
  if (botId !== undefined) return botId
  throw new TelegramError('The bot token does not look like one', {
    code: 'CONFIGURATION',
    hint: 'Set TELEGRAM_BOT_TOKEN to what @BotFather gave you: digits, a colon, and 35 letters.',
  })
}

function readResult<Result>(result: unknown, read: (result: unknown) => Result): Result {
  try {
    return read(result)
  } catch (error) {
    if (!(error instanceof UnexpectedAnswer)) throw error
    throw new TelegramError(`The Bot API server’s answer is not what it should be: ${error.message}`, {
      code: 'UNPROVEN',
      unprovenMessage: error.unprovenMessage,
    })
  }
}
