/** A refusal as the Bot API words it. `errorCode` is also the HTTP status. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal'
  readonly errorCode: number
  readonly parameters: Readonly<Record<string, number>> | undefined

  constructor(errorCode: number, description: string, parameters?: Readonly<Record<string, number>>) {
    super(description)
    this.errorCode = errorCode
    this.parameters = parameters
  }
}

/** Every refusal with a fixed text, word for word. Those that tell something are functions below. */
export const REFUSALS = {
  misdirected: [421, 'Misdirected Request: unallowed token specified'],
  invalidToken: [401, 'Unauthorized: invalid token specified'],
  unauthorized: [401, 'Unauthorized'],
  notFound: [404, 'Not Found'],
  methodNotFound: [404, 'Not Found: method not found'],
  bodyTooLarge: [413, 'Request Entity Too Large'],

  chatIdEmpty: [400, 'Bad Request: chat_id is empty'],
  chatNotFound: [400, 'Bad Request: chat not found'],
  blockedByUser: [403, 'Forbidden: bot was blocked by the user'],
  channelNeedsAdministrator: [400, 'Bad Request: need administrator rights in the channel chat'],

  chatIdMissing: [400, 'Bad Request: chat identifier is not specified'],
  fromChatIdMissing: [400, 'Bad Request: parameter "from_chat_id" is required'],
  mediaMissing: [400, 'Bad Request: parameter "media" is required'],

  textEmpty: [400, 'Bad Request: message text is empty'],
  textBlank: [400, 'Bad Request: text must be non-empty'],
  textTooLong: [400, 'Bad Request: message is too long'],
  captionTooLong: [400, 'Bad Request: message caption is too long'],
  parseModeUnsupported: [400, 'Bad Request: unsupported parse_mode'],
  parseModeNotModelled: [400, 'Bad Request: emulator: of the parse modes only HTML is modelled'],
  replyMarkupUnparsable: [400, "Bad Request: can't parse reply keyboard markup JSON object"],
  replyMarkupNoObject: [400, 'Bad Request: object expected as reply markup'],
  replyMarkupNotInline: [400, 'Bad Request: inline keyboard expected'],
  replyNotFound: [400, 'Bad Request: message to be replied not found'],

  noDocument: [400, 'Bad Request: there is no document in the request'],
  fileEmpty: [400, 'Bad Request: file must be non-empty'],
  fileIdForeign: [400, 'Bad Request: wrong file identifier/HTTP URL specified'],
  fileIdUndecodable: [400, "Bad Request: wrong remote file identifier specified: can't unserialize it"],
  fileIdMissing: [400, 'Bad Request: file_id not specified'],
  fileIdInvalid: [400, 'Bad Request: invalid file_id'],
  fileUnavailable: [400, 'Bad Request: wrong file_id or the file is temporarily unavailable'],
  fileTooBig: [400, 'Bad Request: file is too big'],

  messageIdMissing: [400, 'Bad Request: message identifier is not specified'],
  messageIdsMissing: [400, 'Bad Request: message identifiers are not specified'],
  messageIdsUnparsable: [400, "Bad Request: can't parse message_ids JSON object"],
  messageIdsNoArray: [400, 'Bad Request: expected an Array of message identifiers'],
  messageIdNoNumber: [400, 'Bad Request: message identifier must be a Number'],
  messageIdUnparsable: [400, "Bad Request: can't parse message identifier as a Number"],
  messageIdInvalid: [400, 'Bad Request: invalid message identifier specified'],
  messageIdsTooMany: [400, 'Bad Request: too many message identifiers specified'],
  messageIdsUnordered: [400, 'Bad Request: message identifiers must be in a strictly increasing order'],

  deleteNotFound: [400, 'Bad Request: message to delete not found'],
  deleteRefused: [400, "Bad Request: message can't be deleted"],
  deleteForEveryoneRefused: [400, "Bad Request: message can't be deleted for everyone"],

  editNotFound: [400, 'Bad Request: message to edit not found'],
  editRefused: [400, "Bad Request: message can't be edited"],
  editMediaRefused: [400, "Bad Request: message media can't be edited"],
  editCaptionMissing: [400, 'Bad Request: there is no caption in the message to edit'],
  editTextMissing: [400, 'Bad Request: there is no text in the message to edit'],
  editUnchanged: [
    400,
    'Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
  ],
  mediaNotFound: [400, "Bad Request: can't parse InputMedia: media not found"],
  mediaUnparsable: [400, "Bad Request: can't parse input media JSON object"],
  mediaTypeUnknown: [400, 'Bad Request: emulator: only media of type document is modelled'],

  forwardNotFound: [400, 'Bad Request: message to forward not found'],
  forwardRefused: [400, "Bad Request: the message can't be forwarded"],
  forwardsRefused: [400, "Bad Request: messages can't be forwarded"],
  forwardProtected: [400, "Bad Request: message has protected content and can't be forwarded"],
  nothingToForward: [400, 'Bad Request: there are no messages to forward'],
  copyNotFound: [400, 'Bad Request: message to copy not found'],
  copyRefused: [400, "Bad Request: the message can't be copied"],

  pinNotFound: [400, 'Bad Request: message to pin not found'],
  unpinNotFound: [400, 'Bad Request: message to unpin not found'],
  pinRightsMissing: [400, 'Bad Request: not enough rights to manage pinned messages in the chat'],
  pinServiceMessage: [400, "Bad Request: service messages can't be pinned"],

  userIdInvalid: [400, 'Bad Request: invalid user_id specified'],
  memberUnknown: [400, 'Bad Request: PARTICIPANT_ID_INVALID'],
  chatActionUnknown: [400, 'Bad Request: wrong parameter action in request'],
  updatesConflict: [
    409,
    'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  ],
} as const

/** Name of a refusal with a fixed text. */
export type RefusalName = keyof typeof REFUSALS

/** The refusal of that name, to be thrown. */
export function refusal(name: RefusalName): ApiRefusal {
  const [errorCode, description] = REFUSALS[name]
  return new ApiRefusal(errorCode, description)
}

/** The bot was thrown out of the chat. */
export function kickedRefusal(chatType: string): ApiRefusal {
  return new ApiRefusal(403, `Forbidden: bot was kicked from the ${chatType} chat`)
}

/** The bot has left the chat. */
export function notMemberRefusal(chatType: string): ApiRefusal {
  return new ApiRefusal(403, `Forbidden: bot is not a member of the ${chatType} chat`)
}

/** The basic group has become a supergroup; `parameters` says which. */
export function migratedRefusal(supergroupId: number): ApiRefusal {
  return new ApiRefusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', {
    migrate_to_chat_id: supergroupId,
  })
}

/** Too many calls; `retryAfterSeconds` is at least 1. */
export function floodRefusal(retryAfterSeconds: number): ApiRefusal {
  return new ApiRefusal(429, `Too Many Requests: retry after ${retryAfterSeconds}`, {
    retry_after: retryAfterSeconds,
  })
}

/** A flood wait during the transfer of a file: a 400 without parameters (td on_upload_error_impl). */
export function wrappedFloodRefusal(retryAfterSeconds: number): ApiRefusal {
  return new ApiRefusal(400, `Bad Request: too Many Requests: retry after ${retryAfterSeconds}`)
}

/** The markup of a text or caption is wrong. */
export function entitiesRefusal(reason: string): ApiRefusal {
  return new ApiRefusal(400, `Bad Request: can't parse entities: ${reason}`)
}
