import type { ConfigProblem, ConfigReport } from '@telegram-backup/engine/operations/check-config.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import type { Command } from 'commander'
import { describeCommand, describeGroup, type RegisterCommand, type RunAction } from '#commands/command.ts'

/** `config check` and `config schema`: telegram-backup.yaml, before anything uses it. */
export const registerConfig: RegisterCommand = (program, run) => {
  const config = describeGroup(program.command('config'), {
    description: 'check telegram-backup.yaml, or print its schema for editors',
    examples: ['telegram-backup config check', 'telegram-backup config schema > telegram-backup.schema.json'],
  })
  registerCheck(config, run)
  registerSchema(config, run)
}

function registerCheck(parent: Command, run: RunAction): void {
  describeCommand(parent.command('check'), {
    description:
      'say everything that is wrong with telegram-backup.yaml, each with its line and column: unknown settings, wrong values, variables that are not set, sources that cannot be backed up. It opens no source, and contacts no server',
    argument: ['[file]', 'the file (default: the one that every command uses)'],
    examples: [
      'telegram-backup config check',
      'telegram-backup config check ./telegram-backup.yaml && systemctl reload telegram-backup',
      'telegram-backup config check --json | jq .errors',
    ],
  }).action((file: string | undefined, options: { json?: boolean }) =>
    run(async ({ config, host, output }) => {
      const { checkConfig } = await import('@telegram-backup/engine/operations/check-config.ts')
      const place = file === undefined ? config : { ...config, configFile: file }
      const report = await checkConfig(place, host.env)
      const { problems, warnings } = report
      const isOk = problems.length === 0
      output.answer({ success: isOk, file: report.file, errors: problems, warnings }, () =>
        isOk ? describeSound(report) : describeProblems(report),
      )
      for (const warning of warnings) output.note(`warning: ${warning}`)
      if (!isOk) output.note(count(problems.length, 'problem'))
      return isOk ? ExitCode.DONE : ExitCode.USAGE
    }, options),
  )
}

function describeSound({ file, sourceNames, targetNames }: ConfigReport): string {
  return `${file}: no problems; ${count(sourceNames.length, 'source')}, ${count(targetNames.length, 'target')}`
}

/** A hint that several problems share stands below the last of them. */
function describeProblems({ file, problems }: ConfigReport): string {
  return problems
    .map((problem, index) =>
      problems[index + 1]?.hint === problem.hint
        ? describeWrong(file, { ...problem, hint: null })
        : describeWrong(file, problem),
    )
    .join('\n')
}

/** `FILE:LINE:COLUMN`, which editors and terminals make a link. */
function describeWrong(file: string | null, { line, column, path, message, hint }: ConfigProblem): string {
  const place = line === null ? [file] : [file, line, column]
  return [
    [place.filter(part => part !== null).join(':'), path, message].filter(part => part !== '').join(': '),
    ...(hint === null ? [] : [`  hint: ${hint}`]),
  ].join('\n')
}

function registerSchema(parent: Command, run: RunAction): void {
  describeCommand(parent.command('schema'), {
    description:
      'print the JSON schema of telegram-backup.yaml; with it, editors complete and explain the settings',
    examples: [
      'telegram-backup config schema > telegram-backup.schema.json',
      '# first line of telegram-backup.yaml, for editors with the YAML language server:',
      '# yaml-language-server: $schema=./telegram-backup.schema.json',
    ],
  }).action((options: { json?: boolean }) =>
    run(async ({ output }) => {
      const { describedStructure } = await import('@telegram-backup/engine/operations/check-config.ts')
      const schema = describedStructure()
      output.answer(schema, () => JSON.stringify(schema, undefined, 2))
      return ExitCode.DONE
    }, options),
  )
}
