import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TEST_PART_SIZE_BYTES, type TestVault } from '#vault.ts'

/** The environment after all steps of the README, with its own state folder. */
export async function cliEnvironment(vault: TestVault): Promise<Record<string, string>> {
  const keyFile = join(vault.folder, 'key.txt')
  await writeFile(keyFile, `# test key\n${vault.identity}\n`, { mode: 0o600 })
  return {
    TELEGRAM_API_ROOT: vault.emulator.url,
    TELEGRAM_BOT_TOKEN: vault.token,
    TELEGRAM_CHAT_ID: String(vault.chatId),
    TELEGRAM_PART_SIZE: String(TEST_PART_SIZE_BYTES),
    TELEGRAM_BACKUP_HOME: join(vault.folder, 'home'),
    BACKUP_AGE_RECIPIENTS: vault.recipient,
    BACKUP_AGE_IDENTITY_FILE: keyFile,
  }
}
