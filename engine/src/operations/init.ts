import { dirname } from 'node:path'
import type { Database } from '@telegram-backup/database'
import { BackupError, describeError, Hint, hint, run } from '@telegram-backup/errors'
import { createCatalogVault } from '@telegram-backup/vault/ledger/catalog-vault.ts'
import { type ChatAccess, guardChat, type TelegramClient } from 'telegram-deployment-bot'
import { fillEnvironment } from '#config/environment-files.ts'
import { nextTime } from '#cron/cron-times.ts'
import type { Check } from '#doctor/check.ts'
import { runChecks } from '#doctor/checks.ts'
import type { Engine } from '#engine.ts'
import { type Config, readConfig } from '#environment.ts'
import {
  addSchedules,
  type BackedUpSource,
  type FirstBackupHooks,
  isRestored,
  proveBackups,
  sendFirstBackups,
} from '#operations/first-backups.ts'
import { type KnownBot, setUpBot } from '#setup/bot-stage.ts'
import { type KnownCard, setUpCard } from '#setup/card-stage.ts'
import { setUpChat } from '#setup/chat-stage.ts'
import { type ConfirmedKey, confirmRecoveryKey } from '#setup/confirm-stage.ts'
import { type KnownKeys, setUpKeys } from '#setup/keys-stage.ts'
import { openSetupFolder } from '#setup/open-folder.ts'
import { type KnownService, setUpService } from '#setup/service-stage.ts'
import { Settings } from '#setup/settings.ts'
import type {
  OfferedSource,
  Setup,
  SetupAnswers,
  SetupQuestions,
  Staged,
  StageName,
  StageReport,
} from '#setup/setup.ts'
import { setUpSources } from '#setup/sources-stage.ts'
import { openBackupService, openCatalog } from '#wiring.ts'

export type { BackedUpSource, FirstBackupHooks, OfferedSource, SetupAnswers, SetupQuestions, StageReport }
export { isRestored }

export interface InitRequest {
  answers: SetupAnswers
  /** Undefined when nobody can be asked. */
  ask: SetupQuestions | undefined
  /**
   * Gets `environment`, `telegram-backup.yaml` and the keys. Default: where the settings are, else the state
   * folder.
   */
  folder: string | undefined
  /** The environment of the process; what is stored in files is added to it. */
  environment: Record<string, string | undefined>
  /** The environment file that a person named. */
  environmentFile: string | undefined
  /** What starts this program, for the service: absolute paths. */
  command: readonly string[]
}

export interface InitResult {
  folder: string
  environmentFile: string
  configFile: string | undefined
  bot: Pick<KnownBot, 'id' | 'username'>
  chat: ChatAccess
  keys: KnownKeys
  /** Undefined when the keys are the user's own. */
  recoveryKey: ConfirmedKey | undefined
  sources: readonly BackedUpSource[]
  /** YAML that a person has to add to a file of their own. */
  toAdd: string | undefined
  card: KnownCard
  service: KnownService
  /** In the order in which they ended. */
  stages: readonly StageReport[]
  /** The checks of `doctor`, without the places. */
  checks: readonly Check[]
}

/**
 * Sets this machine up, from the token to a proven first backup with a schedule. Each stage looks at what is
 * there and does only what is missing, so that an interrupted set-up goes on where it ended, and a second one
 * changes nothing. Files that exist are never overwritten. Throws the reason why a stage cannot be done; its
 * hint says how to go on.
 */
export async function init(request: InitRequest, hooks: FirstBackupHooks): Promise<InitResult> {
  const { answers, ask, environment, environmentFile: named } = request
  // A wrong answer ends it before anything is made.
  if (answers.cron !== undefined) nextTime({ cron: answers.cron, timezone: 'UTC' }, new Date())
  const held = await openSetupFolder(request.folder ?? (await usualFolder(environment, named)))
  try {
    const settings = await Settings.open(environment, { folder: held.path, named })
    const setup: Setup = { answers, ask, hooks, folder: held.path, settings }
    return await runStages(setup, request, hooks)
  } catch (error) {
    throw withWayOn(hooks.signal.aborted ? asCancelled(error) : error, request)
  } finally {
    held.close()
  }
}

/** Where the settings are, so that a second set-up goes on there. */
async function usualFolder(
  environment: Readonly<Record<string, string | undefined>>,
  named: string | undefined,
): Promise<string> {
  const filled = { ...environment }
  const { origins } = await fillEnvironment(filled, { named })
  const origin = origins.get('TELEGRAM_BOT_TOKEN')
  return origin === undefined ? readConfig(filled).stateFolder : dirname(origin)
}

async function runStages(
  setup: Setup,
  { command }: InitRequest,
  hooks: FirstBackupHooks,
): Promise<InitResult> {
  const { settings, folder } = setup
  const stages: StageReport[] = []
  const done = async <Result>(stage: StageName, work: Promise<Staged<Result>>): Promise<Result> => {
    const { result, ...report } = await work
    stages.push({ stage, ...report })
    hooks.onStage({ stage, ...report })
    return result
  }
  const { client, ...bot } = await done('bot', setUpBot(setup))
  const chat = await done('chat', setUpChat(setup, client))
  const database = await openCatalog(settings.config(), hooks.signal, { note: hooks.note })
  try {
    await done('catalog', checkCatalog(database, { client, chat, hooks }))
    const keys = await done('keys', setUpKeys(setup))
    const { names, file, toAdd } = await done('sources', setUpSources(setup))
    const config = settings.config()
    const engine = { config, database, client, service: await openBackupService(config, client) }
    const known = { file, names, toAdd }
    const sent = await done('first backup', sendFirstBackups(engine, known, hooks))
    const proven = await done('proof', proveBackups(ableToProve(engine, keys), sent, hooks))
    const sources = await done(
      'schedule',
      addSchedules({ answers: setup.answers, hooks }, engine, { file, sources: proven }),
    )
    const card = await done('recovery card', setUpCard(setup, database))
    const service = await done('service', setUpService(setup, command))
    const recoveryKey = await done('recovery key', confirmRecoveryKey(setup, keys.recovery))
    const checks = await runChecks(() => settings.config(), { signal: hooks.signal, isFast: true })
    return {
      ...{ folder, environmentFile: settings.path, configFile: file.path, bot, chat, keys, recoveryKey },
      ...{ sources, toAdd, card, service, stages, checks },
    }
  } finally {
    await database.close().catch((error: unknown) => hooks.note(`warning: ${describeError(error).message}`))
  }
}

/** Refuses a chat that belongs to another catalog before anything is made for it. */
async function checkCatalog(
  database: Database,
  { client, chat, hooks }: { client: TelegramClient; chat: ChatAccess; hooks: FirstBackupHooks },
): Promise<Staged<undefined>> {
  await guardChat(client, createCatalogVault(database), chat, { signal: hooks.signal })
  return { state: 'there', message: `ready in ${database.location}`, result: undefined }
}

/** Without a drill key, the recovery key proves the backups while it is still on this machine. */
function ableToProve(engine: Engine, { proofKeyFile }: KnownKeys): Engine {
  const config: Config = { ...engine.config, identityFile: proofKeyFile }
  return { ...engine, config }
}

/** A signal that fired interrupts work of any kind, with errors of its own. */
function asCancelled(error: unknown): BackupError {
  if (error instanceof BackupError && error.code === 'CANCELLED') return error
  return new BackupError('Cancelled', { code: 'CANCELLED', cause: error })
}

/** What failed, and that the next set-up goes on from there. */
function withWayOn(error: unknown, { folder }: Pick<InitRequest, 'folder'>): unknown {
  if (!(error instanceof Error)) return error
  const { message, code, hint: words } = describeError(error)
  const before = error instanceof BackupError ? error.advice : undefined
  const parts = before?.parts ?? (words === undefined ? [] : [words])
  const again = hint`un "${run('init', folder === undefined ? {} : { folder })}" again: it goes on from there.`
  const way = parts.length === 0 ? ['R', ...again.parts] : [...parts, ' Then r', ...again.parts]
  return new BackupError(message, { code, hint: new Hint(way), cause: error })
}
