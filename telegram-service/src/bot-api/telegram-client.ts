import { open } from 'node:fs/promises'
import { readAnswer, withoutToken } from '#bot-api/api-answer.ts'
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
import {
  type CallKind,
  type CallPolicy,
  type CallWait,
  callWithPolicy,
  DEFAULT_CALL_POLICY,
} from '#bot-api/call-policy.ts'
import { ChatPace } from '#bot-api/chat-pace.ts'
import { type ExchangeAnswer, type ExchangeTimeouts, exchange } from '#bot-api/http-exchange.ts'
import { multipartBody } from '#bot-api/multipart-body.ts'
import { PUBLIC_API_ROOT, readTelegramConfig } from '#config.ts'
import { TelegramError } from '#telegram-error.ts'

/** What every call takes. */
export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Told before each wait: for a flood, for the pace, or before another try. */
  onWait?: ((wait: CallWait) => void) | undefined
}

export interface SendDocumentRequest {
  /** Numeric, or `@name`. */
  chatId: string
  fileName: string
  /** At most 49 MiB at the public server, which refuses more with 413. */
  bytes: Buffer
  /** At most 1024 code points. */
  caption: string
}

export interface TelegramClientOptions {
  /** From BotFather, `123456789:AA…`. */
  token: string
  /** Bot API server without a trailing slash. Default: TELEGRAM_API_ROOT, else the public one. */
  apiRoot?: string
  /** In one chat; 0 = only what the server says. Default: TELEGRAM_MESSAGES_PER_MINUTE, else 20, or 0 with an API root of your own. */
  messagesPerMinute?: number
  timeouts?: Partial<ExchangeTimeouts>
  policy?: Partial<CallPolicy>
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
  /** Sends once; never repeats what may have arrived (`ANSWER_LOST`). */
  sendDocument(
    request: SendDocumentRequest,
    options?: CallOptions & { onBytesOut?: (bytes: number) => void },
  ): Promise<SentDocument>
  /** Deletes the message; one that is gone already counts as deleted. */
  deleteMessage(chatId: string, messageId: number, options?: CallOptions): Promise<void>
  /** The file's bytes, at most `maxBytes`. A foreign or dead file id is `REFUSED`. */
  downloadFile(fileId: string, options: CallOptions & { maxBytes: number }): Promise<Buffer>
}

const DEFAULT_TIMEOUTS: ExchangeTimeouts = { connectMs: 20_000, stallMs: 60_000, answerMs: 600_000 }
const MAX_JSON_ANSWER_BYTES = 4 * 1024 * 1024

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
  const usesPublicServer = apiRoot === PUBLIC_API_ROOT
  const messagesPerMinute =
    options.messagesPerMinute ?? config.messagesPerMinute ?? (usesPublicServer ? 20 : 0)
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const policy = { ...DEFAULT_CALL_POLICY, ...options.policy }
  const paces = new Map<string, ChatPace>()
  const endpoint = (path: string): URL => {
    try {
      return new URL(apiRoot + path)
    } catch {
      throw new TelegramError('TELEGRAM_API_ROOT is not an http or https URL', 'CONFIGURATION')
    }
  }
  if (!/^https?:$/.test(endpoint('/').protocol)) {
    throw new TelegramError('TELEGRAM_API_ROOT is not an http or https URL', 'CONFIGURATION')
  }

  const call = <Result>(
    method: string,
    kind: CallKind,
    parameters: Record<string, unknown>,
    read: (result: unknown) => Result,
    callOptions: CallOptions,
  ): Promise<Result> =>
    callWithPolicy(
      async () => {
        const answer = await exchange({
          url: endpoint(`/bot${token}/${method}`),
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: [Buffer.from(JSON.stringify(parameters))],
          freshConnection: kind === 'send',
          maxAnswerBytes: MAX_JSON_ANSWER_BYTES,
          timeouts,
          signal: callOptions.signal,
        })
        return readResult(answer, read)
      },
      { kind, policy, signal: callOptions.signal, onWait: callOptions.onWait },
    )

  const readResult = <Result>(answer: ExchangeAnswer, read: (result: unknown) => Result): Result => {
    const result = readAnswer(answer, token)
    try {
      return read(result)
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer)) throw error
      throw new TelegramError(
        `The Bot API server’s answer is not what it should be: ${error.message}`,
        'UNPROVEN',
      )
    }
  }

  const paceOf = (chatId: string): ChatPace => {
    const pace = paces.get(chatId) ?? new ChatPace(messagesPerMinute)
    paces.set(chatId, pace)
    return pace
  }

  const download = async (filePath: string, maxBytes: number, callOptions: CallOptions): Promise<Buffer> => {
    // A Bot API server of one's own with --local answers with a path on its disk instead of serving the file.
    if (filePath.startsWith('/') && !usesPublicServer) return readLocalFile(filePath, maxBytes)
    const path = filePath.split('/').map(encodeURIComponent).join('/')
    const answer = await exchange({
      url: endpoint(`/file/bot${token}/${path}`),
      method: 'GET',
      freshConnection: false,
      maxAnswerBytes: Math.max(maxBytes, MAX_JSON_ANSWER_BYTES),
      timeouts,
      signal: callOptions.signal,
    })
    if (answer.status === 200) return answer.body
    // Links expire, and spurious 401s have been seen on them: either way getFile gives a new one.
    throw new TelegramError(`The file’s link gave HTTP status ${answer.status}`, 'ANSWER_LOST', {
      errorCode: answer.status,
      description: withoutToken(answer.body.subarray(0, 200).toString('utf8'), token),
    })
  }

  return {
    botId,
    usesPublicServer,
    messagesPerMinute,
    getMe: (callOptions = {}) => call('getMe', 'repeatable', {}, readUser, callOptions),
    getChat: (chatId, callOptions = {}) =>
      call('getChat', 'repeatable', { chat_id: chatId }, readChat, callOptions),
    getChatMember: (chatId, userId, callOptions = {}) =>
      call(
        'getChatMember',
        'repeatable',
        { chat_id: chatId, user_id: Number(userId) },
        readChatMember,
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
          onWait: ms => callOptions.onWait?.({ reason: 'pace', seconds: ms / 1000 }),
        })
        try {
          const answer = await exchange({
            url: endpoint(`/bot${token}/sendDocument`),
            method: 'POST',
            headers: { 'content-type': contentType },
            body,
            freshConnection: true,
            maxAnswerBytes: MAX_JSON_ANSWER_BYTES,
            timeouts,
            signal: callOptions.signal,
            onBytesOut: callOptions.onBytesOut,
          })
          return readResult(answer, readSentDocument)
        } finally {
          slot.done()
        }
      }
      return callWithPolicy(attempt, {
        kind: 'send',
        policy,
        signal: callOptions.signal,
        onWait: callOptions.onWait,
      })
    },

    deleteMessage: async (chatId, messageId, callOptions = {}) => {
      await call(
        'deleteMessage',
        'repeatable',
        { chat_id: chatId, message_id: messageId },
        () => {},
        callOptions,
      ).catch((error: unknown) => {
        const gone =
          error instanceof TelegramError && /message to delete not found/i.test(error.description ?? '')
        if (!gone) throw error
      })
    },

    downloadFile: (fileId, callOptions) =>
      callWithPolicy(
        async () => {
          const filePath = await call('getFile', 'repeatable', { file_id: fileId }, readFilePath, callOptions)
          return download(filePath, callOptions.maxBytes, callOptions)
        },
        { kind: 'repeatable', policy, signal: callOptions.signal, onWait: callOptions.onWait },
      ),
  }
}

/** Reads at most `maxBytes` of a regular file; anything else the server may name is refused. */
async function readLocalFile(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new TelegramError(
      `The Bot API server keeps its files where this process cannot read them (${error.code})`,
      'REFUSED',
      {
        hint: 'Run this program on the server’s machine, as a user that may read its folder, or start the server without --local.',
      },
    )
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > maxBytes) {
      throw new TelegramError('The Bot API server named a file that is not the part', 'UNPROVEN')
    }
    return await file.readFile()
  } finally {
    await file.close()
  }
}
