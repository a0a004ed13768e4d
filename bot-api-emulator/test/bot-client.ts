import {
  type EmulatedBot,
  type EmulatedChat,
  type Emulator,
  type EmulatorOptions,
  startEmulator,
} from '#index.ts'

/** An answer of the Bot API with its HTTP status. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly ok: boolean
  readonly description: string
  // The tests read single fields of results whose shapes differ per method.
  readonly result: Result
  readonly parameters: { readonly retry_after?: number; readonly migrate_to_chat_id?: number } | undefined
}

/** The fields of results that the tests look at. */
export interface Result {
  readonly [field: string]: unknown
  readonly message_id: number
  readonly date: number
  readonly edit_date?: number
  readonly text?: string
  readonly caption?: string
  readonly file_path: string
  readonly document: {
    readonly file_id: string
    readonly file_unique_id: string
    readonly file_name: string
    readonly file_size: number
    readonly mime_type: string
  }
  readonly pinned_message?: Result
  readonly reply_to_message?: Result
}

type Parameters = Readonly<Record<string, unknown>>

/** A bot that speaks plain fetch. */
export interface BotClient {
  readonly bot: EmulatedBot
  call(method: string, parameters?: Parameters): Promise<Answer>
  /** Sends a document by multipart. */
  upload(method: string, parameters: Parameters, files: Readonly<Record<string, File>>): Promise<Answer>
  download(filePath: string, headers?: Record<string, string>): Promise<Response>
}

/** A client for a bot of an emulator. */
export function clientFor(emulator: { readonly url: string }, bot: EmulatedBot): BotClient {
  const post = async (method: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(`${emulator.url}/bot${bot.token}/${method}`, { method: 'POST', ...init })
    return answerOf(response)
  }
  return {
    bot,
    call: (method, parameters = {}) =>
      post(method, { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(parameters) }),
    upload: (method, parameters, files) => {
      const body = new FormData()
      for (const [name, value] of Object.entries(parameters)) {
        body.set(name, typeof value === 'string' ? value : JSON.stringify(value))
      }
      for (const [name, file] of Object.entries(files)) body.set(name, file)
      return post(method, { body })
    },
    download: (filePath, headers = {}) =>
      fetch(`${emulator.url}/file/bot${bot.token}/${filePath}`, { headers }),
  }
}

/** Reads an answer; a body that is not JSON gives empty fields. */
export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  const body = text.startsWith('{') ? JSON.parse(text) : { ok: false, description: text }
  return { status: response.status, headers: response.headers, ...body }
}

/** An emulator with one bot and one chat in which the bot may do everything. */
export interface Stage extends AsyncDisposable {
  readonly emulator: Emulator
  readonly chat: EmulatedChat
  readonly client: BotClient
  /** Sends a small document to the chat and gives the message. */
  sendDocument(content?: string, fileName?: string, parameters?: Parameters): Promise<Result>
}

/** Sets a stage; the chat is a channel unless said otherwise. */
export async function setStage(
  options: EmulatorOptions & { type?: EmulatedChat['type'] } = {},
): Promise<Stage> {
  const { type = 'channel', ...emulatorOptions } = options
  const emulator = await startEmulator(emulatorOptions)
  const bot = emulator.createBot()
  const chat = emulator.createChat({ type, administrators: [{ bot }] })
  const client = clientFor(emulator, bot)
  return {
    emulator,
    chat,
    client,
    sendDocument: async (content = 'content', fileName = 'backup.zst', parameters = {}) => {
      const file = new File([content], fileName)
      const answer = await client.upload(
        'sendDocument',
        { chat_id: chat.id, ...parameters },
        { document: file },
      )
      if (!answer.ok) throw new Error(answer.description)
      return answer.result
    },
    [Symbol.asyncDispose]: () => emulator.close(),
  }
}
