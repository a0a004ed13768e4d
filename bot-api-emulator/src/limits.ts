const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

/** What the server refuses. Each limit can be changed when the emulator starts. */
export interface EmulatorLimits {
  /**
   * Largest request body. The cloud says 50 MB; a file of exactly 50 MiB was refused, so it counts the body.
   */
  maxBodyBytes: number
  /**
   * Largest file that getFile gives; only a larger one fails (MAX_DOWNLOAD_FILE_SIZE in telegram-bot-api
   * Client.h).
   */
  maxDownloadBytes: number
  /** Unicode code points of a caption after entity parsing (documented). */
  maxCaptionLength: number
  /** Unicode code points of a text message after entity parsing (documented). */
  maxTextLength: number
  /** Message ids in one deleteMessages, forwardMessages or copyMessages (documented). */
  maxMessageIds: number
  /** Files in one request (td HttpReader). */
  maxFiles: number
  /** Bytes of all parameters that are not files (td HttpReader). */
  maxParameterBytes: number
  /** Bytes of the headers of all multipart parts together, and of the request's own (td HttpReader). */
  maxHeaderBytes: number
  /** Age from which a message cannot be deleted (td can_delete_channel_message). */
  deletableSeconds: number
  /** How long a file_path works after getFile; the documentation promises an hour at least. */
  filePathLifetimeMs: number
  /** How long an update waits to be fetched (documented). */
  updateLifetimeMs: number
  /** New messages a minute in one chat before 429; 0 is no limit. A simple model, not Telegram's own. */
  messagesPerMinutePerChat: number
  /** `telegram`: the waits and refusals of Pace and UploadSpacing, on the emulator's clock. */
  rates: 'off' | 'telegram'
  /** How long getFile takes for a file that the server does not hold, by its size; 0 is not at all. */
  getFileMsPerMiB: number
  /**
   * Real milliseconds for each millisecond that rates and getFile let a call wait. A test whose clock runs a
   * hundred times as fast takes 0.01; with 0 nothing waits, while the waits still fill up the rates.
   */
  latencyScale: number
}

/** The limits of api.telegram.org as far as they are known; the pace is unlimited and nothing takes time. */
export const CLOUD_LIMITS: Readonly<EmulatorLimits> = {
  maxBodyBytes: 50 * MEBIBYTE,
  maxDownloadBytes: 20 * MEBIBYTE,
  maxCaptionLength: 1024,
  maxTextLength: 4096,
  maxMessageIds: 100,
  maxFiles: 50,
  maxParameterBytes: MEBIBYTE,
  maxHeaderBytes: 256 * KIBIBYTE,
  deletableSeconds: 48 * 3600,
  filePathLifetimeMs: 3600 * 1000,
  updateLifetimeMs: 24 * 3600 * 1000,
  messagesPerMinutePerChat: 0,
  rates: 'off',
  getFileMsPerMiB: 0,
  latencyScale: 1,
}
