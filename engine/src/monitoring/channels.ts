import type { NoticeChannel } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { TelegramError } from 'telegram-deployment-bot'
import type { NotificationSettings } from '#config/notification-settings.ts'
import { callUrl } from '#monitoring/http-call.ts'
import { chatNotice, type SentNotice } from '#monitoring/wording.ts'

/** The part of `TelegramClient` that notices need. */
export interface TextSender {
  sendText(chatId: string, text: string, options: { isLoud: boolean; signal: AbortSignal }): Promise<unknown>
}

export interface Channels {
  readonly names: readonly NoticeChannel[]
  /** Whether notices go to the chat of the backups: while that is unreachable, no delivery is tried. */
  readonly usesVaultChat: boolean
  /**
   * Resolves when the notice was delivered, or may have been: a text whose answer was lost is not sent again.
   * A notice that the settings leave out counts as delivered. Throws the failure of the channel.
   * `mayBeRepeat`: an earlier try may have delivered it; a webhook sees that by the id, and the text in a
   * chat says so.
   */
  deliver(
    channel: NoticeChannel,
    notice: SentNotice,
    options: { signal: AbortSignal; mayBeRepeat?: boolean },
  ): Promise<void>
}

/** Includes waits for the pace of the chat and for floods. */
const TEXT_TIME_LIMIT_MS = 45_000

/** The channels of the settings; the chat only if one is configured. */
export function openChannels(
  settings: Pick<NotificationSettings, 'chat' | 'webhook' | 'leftOut'>,
  { texts, vaultChatId }: { texts: TextSender | undefined; vaultChatId: string | undefined },
): Channels {
  const { webhook } = settings
  const chatId = settings.chat === 'vault' ? vaultChatId : settings.chat?.id
  /** The new id of the chat after it became a supergroup. */
  let movedTo: string | undefined
  const names: NoticeChannel[] = [
    ...(chatId !== undefined && texts !== undefined ? (['chat'] as const) : []),
    ...(webhook !== null ? (['webhook'] as const) : []),
  ]
  return {
    names,
    usesVaultChat: names.includes('chat') && chatId === vaultChatId,
    deliver: async (channel, notice, { signal, mayBeRepeat = false }) => {
      if (notice.event !== 'test' && settings.leftOut[channel].includes(notice.kind)) return
      if (channel === 'webhook' && webhook !== null) return await callUrl(webhook, { body: notice, signal })
      if (channel !== 'chat' || chatId === undefined || texts === undefined) return
      const limit = AbortSignal.any([signal, AbortSignal.timeout(TEXT_TIME_LIMIT_MS)])
      const text = chatNotice(notice.text, mayBeRepeat)
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
