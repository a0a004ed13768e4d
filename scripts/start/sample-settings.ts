import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Emulator, prepareWorld } from '@telegram-backup/bot-api-emulator'
import { generateIdentity, keyFileText } from '@telegram-backup/engine/age-keys.ts'
import { bareEnvironment } from '@telegram-backup/engine/environment.ts'
import { HOME } from '#start/sample-folder.ts'
import { type SampleSource, SHOP_SERVER_VARIABLE } from '#start/sample-sources.ts'

/** The targets of restores; they do not exist before. */
export const RESTORE_TARGET = 'shop-restored'
export const FOLDER_TARGET = 'documents-restored'

const KEY_FILE = 'backup-key.txt'
const PRIVATE = { mode: 0o600 }

/** Writes the key file and returns the public key. */
export async function makeKey(folder: string): Promise<string> {
  const key = await generateIdentity()
  await writeFile(join(folder, KEY_FILE), keyFileText(key), PRIVATE)
  return key.recipient
}

/** Writes telegram-backup.yaml, once: later it belongs to whoever tries the sample. */
export async function writeConfiguration(
  folder: string,
  { sources, hasServer }: { sources: readonly SampleSource[]; hasServer: boolean },
): Promise<void> {
  const lines = sources.map(({ name, settings }) => `  ${name}:\n    ${settings}\n`)
  const targets = {
    ...(hasServer && { [RESTORE_TARGET]: `postgres: \${${SHOP_SERVER_VARIABLE}}/shop_restored` }),
    [FOLDER_TARGET]: `directory: ${JSON.stringify(join(folder, FOLDER_TARGET))}`,
  }
  const places = Object.entries(targets).map(([name, place]) => `  ${name}:\n    ${place}\n`)
  const text = `sources:\n${lines.join('')}targets:\n${places.join('')}`
  await writeFile(join(folder, 'telegram-backup.yaml'), text, PRIVATE)
}

/** The environment of the program, as variables and as a file for other commands. */
export interface SampleEnvironment {
  variables: Record<string, string>
  file: string
}

/** Written at each start, since ports change. */
export async function writeEnvironment(
  folder: string,
  of: { emulator: Emulator; recipient: string; shopServer: string | undefined },
): Promise<SampleEnvironment> {
  const { bot, chat } = prepareWorld(of.emulator)
  const settings: Record<string, string> = {
    TELEGRAM_BACKUP_HOME: join(folder, HOME),
    TELEGRAM_BACKUP_CONFIG: join(folder, 'telegram-backup.yaml'),
    TELEGRAM_API_ROOT: of.emulator.url,
    TELEGRAM_BOT_TOKEN: bot.token,
    TELEGRAM_CHAT_ID: String(chat.id),
    BACKUP_AGE_RECIPIENTS: of.recipient,
    BACKUP_AGE_IDENTITY_FILE: join(folder, KEY_FILE),
    BACKUP_SIGNING_KEY_FILE: join(folder, 'signing-key.pem'),
    ...(of.shopServer !== undefined && { [SHOP_SERVER_VARIABLE]: of.shopServer }),
  }
  const file = join(folder, 'environment')
  const text = Object.entries(settings).map(
    ([name, value]) => `${name}="${value.replace(/["$\\`]/g, '\\$&')}"\n`,
  )
  await writeFile(file, text.join(''), PRIVATE)
  return { variables: { ...ownVariables(), ...settings }, file }
}

/** The settings of this machine must not reach the sample, except where programs and modules are. */
function ownVariables(): Record<string, string> {
  const { TELEGRAM_BACKUP_PG_BIN: programs, NODE_COMPILE_CACHE: cache } = process.env
  return {
    ...bareEnvironment(),
    TELEGRAM_BACKUP_ENV_FILE: 'off',
    ...(cache && { NODE_COMPILE_CACHE: cache }),
    ...(programs && { TELEGRAM_BACKUP_PG_BIN: programs }),
  }
}
