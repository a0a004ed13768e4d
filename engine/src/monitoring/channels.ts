import type { NoticeChannel } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { TelegramError } from 'telegram-deployment-bot'
import type { NotificationSettings } from '#config/notification-settings.ts'
import { callUrl } from '#monitoring/http-call.ts'
import { chatNotice, type ToldNotice } from '#monitoring/wording.ts'

/** Texts to a chat; the rest of the Bot API is not needed. Throws as `TelegramClient` does. */
export interface TextSender {
  sendText(chatId: string, text: string, options: { isLoud: boolean; signal: AbortSignal }): Promise<unknown>
}

/** The ways by which somebody is told. */
export interface Channels {
  readonly names: readonly NoticeChannel[]
  /** Whether texts go to the chat of the backups, so that while that is away nothing need be tried. */
  readonly usesVaultChat: boolean
  /**
   * Resolves when it was told, or may have been: a text whose answer was lost is not sent again. Throws what stood against it.
   * What the channel is not to be told of counts as told. `mayBeTold`: it may have been told before; a webhook knows by its id, people are told so.
   */
  tell(
    channel: NoticeChannel,
    notice: ToldNotice,
    options: { signal: AbortSignal; mayBeTold?: boolean },
  ): Promise<void>
}

/** Waiting for the chat's pace or a flood may take a while. */
const TEXT_TIME_LIMIT_MS = 45_000

/** The channels that the settings name; the chat only where there is one. */
export function openChannels(
  settings: Pick<NotificationSettings, 'chat' | 'webhook' | 'leftOut'>,
  { texts, vaultChatId }: { texts: TextSender | undefined; vaultChatId: string | undefined },
): Channels {
  const { webhook } = settings
  const chatId = settings.chat === 'vault' ? vaultChatId : settings.chat?.id
  /** Where it goes on, since it has become a supergroup. */
  let movedTo: string | undefined
  const names: NoticeChannel[] = [
    ...(chatId !== undefined && texts !== undefined ? (['chat'] as const) : []),
    ...(webhook !== null ? (['webhook'] as const) : []),
  ]
  return {
    names,
    usesVaultChat: names.includes('chat') && chatId === vaultChatId,
    tell: async (channel, notice, { signal, mayBeTold = false }) => {
      // A test is to arrive in any case.
      if (notice.event !== 'test' && settings.leftOut[channel].includes(notice.kind)) return
      if (channel === 'webhook' && webhook !== null) return await callUrl(webhook, { body: notice, signal })
      if (channel !== 'chat' || chatId === undefined || texts === undefined) return
      const limit = AbortSignal.any([signal, AbortSignal.timeout(TEXT_TIME_LIMIT_MS)])
      const text = chatNotice(notice.text, mayBeTold)
      const send = (to: string): Promise<unknown> =>
        texts.sendText(to, text, { isLoud: notice.event !== 'notice', signal: limit })
      await send(movedTo ?? chatId)
        .catch(async (error: unknown) => {
          if (!(error instanceof TelegramError) || error.movedTo === undefined) throw error
          movedTo = error.movedTo
          await send(movedTo)
        })
        .catch((error: unknown) => {
          if (describeError(error).code !== 'ANSWER_LOST') throw error
        })
    },
  }
}
