import { createHash } from 'node:crypto'
import { readAnswer, readFileAnswer } from '#bot-api/api-answer.ts'
import {
  type BotChat,
  type BotUser,
  type ChatMember,
  readChat,
  readChatMember,
  readFilePath,
  readSentDocument,
  readUser,
  type SentDocument,
  UnexpectedAnswer,
} from '#bot-api/bot-api-types.ts'
import { type CallOptions, callWithPolicy, DEFAULT_CALL_POLICY } from '#bot-api/call-policy.ts'
import { ChatPace } from '#bot-api/chat-pace.ts'
import { assertPace, parseApiRoot, type TelegramClientOptions } from '#bot-api/client-options.ts'
import {
  type DownloadedFile,
  type DownloadOptions,
  filePathInUrl,
  readLocalFile,
} from '#bot-api/file-download.ts'
import { type ExchangeAnswer, type ExchangeTimeouts, exchange } from '#bot-api/http-exchange.ts'
import { multipartBody } from '#bot-api/multipart-body.ts'
import { UploadRate } from '#bot-api/upload-rate.ts'
import { PUBLIC_API_ROOT, readTelegramConfig } from '#config.ts'
import { TelegramError } from '#telegram-error.ts'

export interface SendDocumentRequest {
  /** Numeric, or `@name`. */
  chatId: string
  fileName: string
  /** At most 49 MiB at the public server, which refuses more with 413. */
  bytes: Buffer
  /** At most 1024 code points. */
  caption: string
}

/** The Bot API as this project uses it. Every failure is a `TelegramError` without the token. */
export interface TelegramClient {
  /** The number before the colon of the token. */
  readonly botId: string
  /** Whether the server is Telegram's own, with its limits. */
  readonly usesPublicServer: boolean
  readonly messagesPerMinute: number
  getMe(options?: CallOptions): Promise<BotUser>
  getChat(chatId: string, options?: CallOptions): Promise<BotChat>
  getChatMember(chatId: string, userId: string, options?: CallOptions): Promise<ChatMember>
  /**
   * Sends once; never repeats what may have arrived (`ANSWER_LOST`). After a cancel it still resolves when the message
   * turns out to exist. `onBytesOut` hears how much of the request was handed to the connection (from the beginning
   * again after a flood wait), and must not throw.
   */
  sendDocument(
    request: SendDocumentRequest,
    options?: CallOptions & { onBytesOut?: (bytes: number) => void },
  ): Promise<SentDocument>
  /** Counts messages that another run sent to the chat in the last minute: the pace is the chat's. Ages in milliseconds. */
  countEarlierMessages(chatId: string, agesMs: readonly number[]): void
  /** Deletes the message; one that is gone already counts as deleted. */
  deleteMessage(chatId: string, messageId: number, options?: CallOptions): Promise<void>
  /**
   * The path of a file, for `downloadFile`; it leads there for about an hour. The server itself may have to fetch the file
   * before it answers. `REFUSED` when it would not give it back. With `once`, whatever fails is for the caller to repeat.
   */
  locateFile(fileId: string, options?: CallOptions & { once?: boolean }): Promise<string>
  /** A file; more than `maxBytes` are `UNPROVEN`. A foreign or dead file id is `REFUSED`. */
  downloadFile(fileId: string, options: DownloadOptions): Promise<DownloadedFile>
}

/** getFile's bound at the public server: a bot may upload 50 MB, but fetches back at most this. */
export const PUBLIC_FETCH_LIMIT_BYTES: number = 20 * 1024 * 1024

const DEFAULT_TIMEOUTS: ExchangeTimeouts = {
  connectMs: 20_000,
  stallMs: 60_000,
  answerMs: 600_000,
  answerAfterCancelMs: 20_000,
}
const MAX_JSON_ANSWER_BYTES = 4 * 1024 * 1024
/** Room for the words of a refusal where a small file was asked for. */
const MIN_ANSWER_BYTES = 64 * 1024

/** A client for one bot. Opens no connection yet. Throws `CONFIGURATION` when the token or the API root has a wrong shape. */
export function createTelegramClient(options: TelegramClientOptions): TelegramClient {
  const config = readTelegramConfig()
  const token = options.token
  const [, botId] = /^(\d{1,20}):[A-Za-z0-9_-]+$/.exec(token ?? '') ?? []
  if (botId === undefined) {
    throw new TelegramError('The bot token does not look like one', 'CONFIGURATION', {
      hint: 'Set TELEGRAM_BOT_TOKEN to what @BotFather gave you: digits, a colon, and 35 letters.',
    })
  }
  const apiRoot = (options.apiRoot ?? config.apiRoot ?? PUBLIC_API_ROOT).replace(/\/+$/, '')
  const usesPublicServer = parseApiRoot(apiRoot).hostname === new URL(PUBLIC_API_ROOT).hostname
  const messagesPerMinute =
    options.messagesPerMinute ?? config.messagesPerMinute ?? (usesPublicServer ? 20 : 0)
  assertPace(messagesPerMinute)
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const policy = { ...DEFAULT_CALL_POLICY, ...options.policy }
  const transferPolicy = { ...policy, maxTries: policy.transferTries }
  const uploadRate =
    options.uploadBytesPerSecond === undefined ? undefined : new UploadRate(options.uploadBytesPerSecond)
  const paces = new Map<string, ChatPace>()
  const endpoint = (path: string): URL => new URL(apiRoot + path)

  const callOnce = async <Result>(
    { method, parameters, read }: ApiCall<Result>,
    { signal, freshConnection }: CallOptions & { freshConnection: boolean },
  ): Promise<Result> => {
    const answer = await exchange({
      url: endpoint(`/bot${token}/${method}`),
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: [Buffer.from(JSON.stringify(parameters))],
      repeatable: true,
      freshConnection,
      answer: { maxBytes: MAX_JSON_ANSWER_BYTES },
      timeouts,
      signal,
    })
    return readResult(answer, read)
  }

  const call = <Result>(apiCall: ApiCall<Result>, callOptions: CallOptions): Promise<Result> =>
    callWithPolicy(again => callOnce(apiCall, { ...callOptions, freshConnection: again }), {
      ...callOptions,
      kind: 'repeatable',
      policy,
    })

  const readResult = <Result>(answer: ExchangeAnswer, read: (result: unknown) => Result): Result => {
    const result = readAnswer(answer, token)
    try {
      return read(result)
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer)) throw error
      throw new TelegramError(
        `The Bot API server’s answer is not what it should be: ${error.message}`,
        'UNPROVEN',
        error.strayMessage ? { strayMessage: error.strayMessage } : {},
      )
    }
  }

  const paceOf = (chatId: string): ChatPace => {
    const pace = paces.get(chatId) ?? new ChatPace(messagesPerMinute)
    paces.set(chatId, pace)
    return pace
  }

  const download = async (
    filePath: string,
    { maxBytes, into, signal, freshConnection }: DownloadOptions & { freshConnection: boolean },
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
    if (bytes.length > maxBytes) throw new TelegramError('The file is longer than it may be', 'UNPROVEN')
    return { bytes, sha256: hash.digest('hex') }
  }

  return {
    botId,
    usesPublicServer,
    messagesPerMinute,
    getMe: (callOptions = {}) => call({ method: 'getMe', parameters: {}, read: readUser }, callOptions),
    getChat: (chatId, callOptions = {}) =>
      call({ method: 'getChat', parameters: { chat_id: chatId }, read: readChat }, callOptions),
    getChatMember: (chatId, userId, callOptions = {}) =>
      call(
        {
          method: 'getChatMember',
          parameters: { chat_id: chatId, user_id: Number(userId) },
          read: readChatMember,
        },
        callOptions,
      ),

    sendDocument: (request, callOptions = {}) => {
      const { contentType, body } = multipartBody(
        {
          chat_id: request.chatId,
          caption: request.caption,
          // Otherwise Telegram may turn what it takes for a video or a GIF into one, and rewrite it.
          disable_content_type_detection: 'true',
          disable_notification: 'true',
        },
        { field: 'document', name: request.fileName, bytes: request.bytes },
      )
      const pace = paceOf(request.chatId)
      const attempt = async (): Promise<SentDocument> => {
        const slot = await pace.enter({
          signal: callOptions.signal,
          onWait: (ms, reason) => callOptions.onWait?.({ reason, seconds: ms / 1000 }),
        })
        try {
          const answer = await exchange({
            url: endpoint(`/bot${token}/sendDocument`),
            method: 'POST',
            headers: { 'content-type': contentType },
            body,
            rate: uploadRate,
            repeatable: false,
            answer: { maxBytes: MAX_JSON_ANSWER_BYTES },
            timeouts,
            signal: callOptions.signal,
            onBytesOut: callOptions.onBytesOut,
          })
          return readResult(answer, readSentDocument)
        } catch (error) {
          const wait = error instanceof TelegramError ? error.retryAfterSeconds : undefined
          if (wait !== undefined) pace.hold(Math.max(1, wait) * 1000)
          throw error
        } finally {
          slot.done()
        }
      }
      return callWithPolicy(attempt, { ...callOptions, kind: 'send', policy: transferPolicy })
    },

    countEarlierMessages: (chatId, agesMs) => paceOf(chatId).countEarlier(agesMs),

    deleteMessage: async (chatId, messageId, callOptions = {}) => {
      const parameters = { chat_id: chatId, message_id: messageId }
      await call({ method: 'deleteMessage', parameters, read: () => {} }, callOptions).catch(
        (error: unknown) => {
          if (!isGone(error)) throw error
        },
      )
    },

    locateFile: (fileId, callOptions = {}) => {
      const { once, ...on } = callOptions
      return once ? callOnce(getFile(fileId), { ...on, freshConnection: false }) : call(getFile(fileId), on)
    },

    downloadFile: (fileId, callOptions) => {
      let { located } = callOptions
      const attempt = async (again: boolean): Promise<DownloadedFile> => {
        const on = { ...callOptions, freshConnection: again }
        const path = located ?? callOnce(getFile(fileId), on)
        // Whatever goes wrong with it, another path is worth the next try.
        located = undefined
        return download(await path, on)
      }
      return callWithPolicy(attempt, { ...callOptions, kind: 'repeatable', policy: transferPolicy })
    },
  }
}

/** A call of a method that may be made twice. */
interface ApiCall<Result> {
  method: string
  parameters: Record<string, unknown>
  read: (result: unknown) => Result
}

function getFile(fileId: string): ApiCall<string> {
  return { method: 'getFile', parameters: { file_id: fileId }, read: readFilePath }
}

function isGone(error: unknown): boolean {
  return error instanceof TelegramError && /message to delete not found/i.test(error.description ?? '')
}
