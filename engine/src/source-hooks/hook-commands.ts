import { type CommandEnd, runCommand } from '@telegram-backup/connectors/programs/command.ts'
import { bareEnvironment } from '@telegram-backup/connectors/programs/environment.ts'
import { whyNotRun } from '@telegram-backup/connectors/programs/trusted-program.ts'
import type { JobLogLevel } from '@telegram-backup/database'
import { BackupError, lineHider } from '@telegram-backup/errors'
import type { HookCommand } from '#config/hook-settings.ts'
import { parseSpanMs } from '#units/quantities.ts'

export type HookStage = 'before' | 'after'

/** A line about a hook: what the program printed, or how it ended. */
export interface HookLine {
  stage: HookStage
  level: JobLogLevel
  text: string
  /** How the program ended; its last line. */
  isEnd: boolean
}

/** What a hook is told in its environment. Texts of ours and names that were checked; no secret. */
export interface HookFacts {
  source: string
  project: string
  type: string
  /** For `after`: how the backup ended. */
  outcome?: HookOutcome | undefined
}

export interface HookOutcome {
  state: 'complete' | 'failed' | 'cancelled'
  backupId?: string | undefined
  errorCode?: string | undefined
}

interface HookRunning {
  stage: HookStage
  facts: HookFacts
  signal: AbortSignal
  /** Gets each line as it comes. */
  onLine: (line: HookLine) => void
}

const DEFAULT_TIMEOUT = '5m'

/**
 * Runs the commands in order. `before` ends at the first that fails; of `after`, each one runs, since each
 * undoes something. Resolves to the error of the first that failed.
 */
export async function runHookCommands(
  commands: readonly HookCommand[],
  running: HookRunning,
): Promise<BackupError | undefined> {
  const { stage, facts } = running
  let failure: BackupError | undefined
  for (const [index, command] of commands.entries()) {
    const { how, isOk } = await runHookCommand(command, running)
    const which = commands.length === 1 ? '' : ` (program ${index + 1} of ${commands.length})`
    running.onLine({ stage, level: isOk ? 'info' : 'error', text: `${command.run[0]}: ${how}`, isEnd: true })
    if (isOk) continue
    failure ??= new BackupError(`The hook "${stage}"${which} of the source ${facts.source} failed: ${how}`, {
      code: 'HOOK',
      hint:
        stage === 'before'
          ? 'No backup was made. The output of the program says why; it stands above, or in the log of the job.'
          : 'The output of the program says why; it stands above, or in the log of the job. Undo by hand what is left.',
    })
    if (stage === 'before') return failure
  }
  return failure
}

async function runHookCommand(
  { run: [program = '', ...args], timeout = DEFAULT_TIMEOUT }: HookCommand,
  { stage, facts, signal, onLine }: HookRunning,
): Promise<CommandEnd> {
  const refused = await whyNotRun(program)
  if (refused !== undefined) return { exitCode: null, how: `not started: ${refused}`, isOk: false }
  const hide = lineHider()
  return await runCommand({
    program,
    args,
    environment: environmentOf(stage, facts),
    limitMs: parseSpanMs(timeout),
    signal,
    onLine: line => onLine({ stage, level: 'info', text: hide(line), isEnd: false }),
  })
}

/** PATH, HOME and these: a hook gets no token, key or connection string. */
function environmentOf(
  stage: HookStage,
  { source, project, type, outcome }: HookFacts,
): Record<string, string> {
  return {
    ...bareEnvironment(),
    TELEGRAM_BACKUP_HOOK: stage,
    TELEGRAM_BACKUP_SOURCE: source,
    TELEGRAM_BACKUP_PROJECT: project,
    TELEGRAM_BACKUP_TYPE: type,
    ...(outcome && {
      TELEGRAM_BACKUP_STATE: outcome.state,
      TELEGRAM_BACKUP_BACKUP_ID: outcome.backupId ?? '',
      TELEGRAM_BACKUP_ERROR_CODE: outcome.errorCode ?? '',
    }),
  }
}
