import type { EmulatedBot, EmulatedChat, Emulator } from '@telegram-backup/bot-api-emulator'

/** One bot and one private channel that it administers, as a person makes them for a vault. */
export function createVault(emulator: Emulator): { bot: EmulatedBot; chat: EmulatedChat } {
  const bot = emulator.createBot({ username: 'backup_vault_bot' })
  const chat = emulator.createChat({ type: 'channel', title: 'Backups', administrators: [{ bot }] })
  return { bot, chat }
}
