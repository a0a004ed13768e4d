import type { Overview } from '@telegram-backup/engine/operations/overview.ts'
import { describeError, ExitCode } from '@telegram-backup/errors'
import { type CommandContext, describeCommand, type RegisterCommand, withCatalog } from '#commands/command.ts'
import { describeStatus } from '#commands/status-report.ts'

interface StatusOptions {
  project?: string
  json?: boolean
}

const EXIT_CODES: Readonly<Record<Overview['state'], ExitCode>> = {
  ok: ExitCode.DONE,
  attention: ExitCode.PARTIAL,
  broken: ExitCode.FAILED,
}

/** `status`: whether everything can be restored now. */
export const registerStatus: RegisterCommand = (program, run) => {
  describeCommand(program.command('status'), {
    description:
      'say whether each source can be restored, and how recently that was proven; it reads only the catalog. Exit code 0: all is well; 3: something needs a look; 1: a source cannot be restored, or has no good backup within its limit',
    options: { '--project <id>': 'only the sources of this project' },
    examples: [
      'telegram-backup status',
      'telegram-backup status --json | jq -r .sentence',
      'telegram-backup status --quiet || echo "look at the backups" | mail -s backups admin',
    ],
  }).action((options: StatusOptions) =>
    run(async context => {
      const { output } = context
      const status = await readStatus(context, options)
      const isDone = status.state === 'ok'
      output.outcome(status, () => describeStatus(status, output), { isDone })
      return EXIT_CODES[status.state]
    }, options),
  )
}

async function readStatus(context: CommandContext, { project }: StatusOptions): Promise<Overview> {
  const { config } = context
  const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
  const { overview } = await import('@telegram-backup/engine/operations/overview.ts')
  // A file that cannot be used is one of the things to report.
  const file = await readConfigFile(config).then(
    configFile => ({ configFile }),
    (error: unknown) => ({ configFile: undefined, fault: describeError(error) }),
  )
  const viewer = { projectId: project, isAdmin: true }
  return await withCatalog(context, database => overview(database, viewer, { config, ...file }))
}
