import { createHash } from 'node:crypto'
import { readAnswer, readFileAnswer } from '#bot-api/api-answer.ts'
import { UnexpectedAnswer } from '#bot-api/bot-api-types.ts'
import {
  type CallOptions,
  type CallPolicy,
  callWithPolicy,
  DEFAULT_CALL_POLICY,
} from '#bot-api/call-policy.ts'
import { ChatPace } from '#bot-api/chat-pace.ts'
import { assertPace, parseApiRoot, type TelegramClientOptions } from '#bot-api/client-options.ts'
import {
  type DownloadedFile,
  type DownloadOptions,
  filePathInUrl,
  readLocalFile,
} from '#bot-api/file-download.ts'
import { type ExchangeTimeouts, exchange } from '#bot-api/http-exchange.ts'
import { UploadRate } from '#bot-api/upload-rate.ts'
import { PUBLIC_API_ROOT, readTelegramConfig } from '#config.ts'
import { TelegramError } from '#telegram-error.ts'

const DEFAULT_TIMEOUTS: ExchangeTimeouts = {
  connectMs: 20_000,
  stallMs: 60_000,
  answerMs: 600_000,
  answerAfterCancelMs: 20_000,
}
const MAX_JSON_ANSWER_BYTES = 4 * 1024 * 1024
/** Room for the words of a refusal where a small file was asked for. */
const MIN_ANSWER_BYTES = 64 * 1024

/** One call of a method, and how its result is read; `read` throws `UnexpectedAnswer`. */
export interface ApiCall<Result> {
  method: string
  contentType: string
  body: Buffer[]
  read: (result: unknown) => Result
}

/** A call whose parameters go as JSON. */
export function jsonCall<Result>(
  method: string,
  parameters: Record<string, unknown>,
  read: (result: unknown) => Result,
): ApiCall<Result> {
  return { method, contentType: 'application/json', body: [Buffer.from(JSON.stringify(parameters))], read }
}

export interface UploadOptions extends CallOptions {
  /** Hears how much of the request was handed to the connection; must not throw. */
  onBytesOut?: ((bytes: number) => void) | undefined
}

/**
 * One bot at one Bot API server: the only place that knows the token. Its ways of calling differ in what may be
 * repeated.
 */
export interface BotConnection {
  /** The number before the colon of the token. */
  readonly botId: string
  readonly usesPublicServer: boolean
  readonly messagesPerMinute: number
  /** For whatever is the same when it is done twice. */
  repeatable<Result>(call: ApiCall<Result>, options: CallOptions): Promise<Result>
  /** The same with a file: more patience, and within the bound on uploads. */
  repeatableUpload<Result>(call: ApiCall<Result>, options: UploadOptions): Promise<Result>
  /** A single try; whatever fails is for the caller to repeat. */
  once<Result>(call: ApiCall<Result>, options: CallOptions & { freshConnection: boolean }): Promise<Result>
  /** Makes a message, at the chat's pace; never repeats what may have arrived (`ANSWER_LOST`). */
  send<Result>(chatId: string, call: ApiCall<Result>, options: UploadOptions): Promise<Result>
  /** Downloads a file; `locate` gives its path, and is asked again before each further try. */
  download(locate: (again: boolean) => Promise<string>, options: DownloadOptions): Promise<DownloadedFile>
  paceOf(chatId: string): ChatPace
  /** The same bot at the same pace, with a bound on uploads of its own. */
  withUploadLimit(bytesPerSecond: number): BotConnection
}

/** Opens no connection yet. Throws `CONFIGURATION` when the token or the API root has a wrong shape. */
export function connectBot(options: TelegramClientOptions): BotConnection {
  return connectAtPace(options, new Map())
}

function connectAtPace(options: TelegramClientOptions, paces: Map<string, ChatPace>): BotConnection {
  const config = readTelegramConfig()
  const { token, botId } = checkToken(options.token)
  const apiRoot = (options.apiRoot ?? config.apiRoot ?? PUBLIC_API_ROOT).replace(/\/+$/, '')
  const usesPublicServer = parseApiRoot(apiRoot).hostname === new URL(PUBLIC_API_ROOT).hostname
  const messagesPerMinute =
    options.messagesPerMinute ?? config.messagesPerMinute ?? (usesPublicServer ? 20 : 0)
  assertPace(messagesPerMinute)
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const policy: CallPolicy = { ...DEFAULT_CALL_POLICY, ...options.policy }
  const transferPolicy: CallPolicy = { ...policy, maxTries: policy.transferTries }
  const uploadRate =
    options.uploadBytesPerSecond === undefined ? undefined : new UploadRate(options.uploadBytesPerSecond)
  const endpoint = (path: string): URL => new URL(apiRoot + path)
  const { observer } = options
  const observed = <On extends CallOptions>(on: On): On =>
    observer?.onWait === undefined
      ? on
      : {
          ...on,
          onWait: wait => {
            observer.onWait?.(wait)
            on.onWait?.(wait)
          },
        }

  const paceOf = (chatId: string): ChatPace => {
    const pace = paces.get(chatId) ?? new ChatPace(messagesPerMinute)
    paces.set(chatId, pace)
    return pace
  }

  const exchangeOnce = async <Result>(
    { method, contentType, body, read }: ApiCall<Result>,
    how: UploadOptions & { repeatable: boolean; isUpload: boolean; freshConnection?: boolean },
  ): Promise<Result> => {
    const answer = await exchange({
      url: endpoint(`/bot${token}/${method}`),
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
      rate: how.isUpload ? uploadRate : undefined,
      repeatable: how.repeatable,
      freshConnection: how.freshConnection ?? false,
      answer: { maxBytes: MAX_JSON_ANSWER_BYTES },
      timeouts,
      signal: how.signal,
      onBytesOut: how.onBytesOut,
    })
    observer?.onTransfer?.(
      'up',
      body.reduce((sum, { length }) => sum + length, 0),
    )
    return readResult(readAnswer(answer, token), read)
  }

  const once: BotConnection['once'] = (call, on) =>
    exchangeOnce(call, { ...on, repeatable: true, isUpload: false })

  const sendOnce = async <Result>(
    chatId: string,
    call: ApiCall<Result>,
    sendOptions: UploadOptions,
  ): Promise<Result> => {
    const { signal, onWait } = sendOptions
    const pace = paceOf(chatId)
    const slot = await pace.enter({
      signal,
      onWait: (ms, reason) => onWait?.({ reason, seconds: ms / 1000 }),
    })
    try {
      return await exchangeOnce(call, { ...sendOptions, repeatable: false, isUpload: true })
    } catch (error) {
      const wait = error instanceof TelegramError ? error.retryAfterSeconds : undefined
      if (wait !== undefined) pace.hold(Math.max(1, wait) * 1000)
      throw error
    } finally {
      slot.done()
    }
  }

  const downloadOnce = async (
    filePath: string,
    { maxBytes, into, signal }: DownloadOptions,
    freshConnection: boolean,
  ): Promise<DownloadedFile> => {
    // A Bot API server of one's own with --local answers with a path on its disk instead of serving the file.
    if (filePath.startsWith('/') && !usesPublicServer) return readLocalFile(filePath, maxBytes)
    const hash = createHash('sha256')
    const answer = await exchange({
      url: endpoint(`/file/bot${token}/${filePathInUrl(filePath)}`),
      method: 'GET',
      repeatable: true,
      freshConnection,
      answer: { maxBytes: Math.max(maxBytes, MIN_ANSWER_BYTES), into, hash },
      timeouts,
      signal,
    })
    const bytes = readFileAnswer(answer, token)
    if (bytes.length > maxBytes)
      throw new TelegramError('The file is longer than it may be', { code: 'UNPROVEN' })
    observer?.onTransfer?.('down', bytes.length)
    return { bytes, sha256: hash.digest('hex') }
  }

  return {
    botId,
    usesPublicServer,
    messagesPerMinute,
    paceOf,
    withUploadLimit: bytesPerSecond =>
      connectAtPace({ ...options, uploadBytesPerSecond: bytesPerSecond }, paces),
    once,
    repeatable: (call, on) =>
      callWithPolicy(again => once(call, { ...on, freshConnection: again }), {
        ...observed(on),
        kind: 'repeatable',
        policy,
      }),
    repeatableUpload: (call, on) =>
      callWithPolicy(
        again => exchangeOnce(call, { ...on, repeatable: true, isUpload: true, freshConnection: again }),
        { ...observed(on), kind: 'repeatable', policy: transferPolicy },
      ),
    send: (chatId, call, on) =>
      callWithPolicy(() => sendOnce(chatId, call, observed(on)), {
        ...observed(on),
        kind: 'send',
        policy: transferPolicy,
      }),
    download: (locate, on) =>
      callWithPolicy(async again => downloadOnce(await locate(again), on, again), {
        ...observed(on),
        kind: 'repeatable',
        policy: transferPolicy,
      }),
  }
}

function checkToken(token: string): { token: string; botId: string } {
  const [, botId] = /^(\d{1,20}):[A-Za-z0-9_-]+$/.exec(token ?? '') ?? []
  if (botId !== undefined) return { token, botId }
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
      ...(error.strayMessage ? { strayMessage: error.strayMessage } : {}),
    })
  }
}
