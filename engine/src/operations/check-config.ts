import { whyNotRun } from '@telegram-backup/connectors/programs/trusted-program.ts'
import { BackupError, describeError, hideSecrets } from '@telegram-backup/errors'
import { planNamedSource } from '#backup/named-source.ts'
import { type ConfigDocument, type ConfigProblem, readConfigDocument } from '#config/config-document.ts'
import { type ConfigFile, configFileOf, findConfigFile } from '#config/config-file.ts'
import type { ConfigFileContents } from '#config/config-file-schema.ts'
import { expandVariables, variablesIn } from '#config/config-variables.ts'
import { type NotificationEntries, readNotificationSettings } from '#config/notification-settings.ts'
import { type Config, type Environment, readSetting } from '#environment.ts'
import { assertDrillTarget } from '#proof/drill-settings.ts'
import { targetIn } from '#restore/restore-target.ts'

export { describedStructure } from '#config/setting-words.ts'
export type { ConfigProblem }

export interface ConfigReport {
  /** The absolute path; null when there is no file. */
  file: string | null
  /** In the order of the file; empty when it can be used as it is. */
  problems: ConfigProblem[]
  warnings: readonly string[]
  sourceNames: readonly string[]
  targetNames: readonly string[]
}

/**
 * Everything that is wrong with the configuration file: its owner and mode, its YAML, its settings, variables
 * that are not set, and sources that can never be backed up. Opens no source and calls nobody.
 */
export async function checkConfig(
  config: Pick<Config, 'configFile' | 'stateFolder'>,
  environment: Environment,
): Promise<ConfigReport> {
  const report = { file: null, problems: [], warnings: [], sourceNames: [], targetNames: [] }
  let found: Awaited<ReturnType<typeof findConfigFile>>
  try {
    found = await findConfigFile(config)
  } catch (error) {
    return { ...report, file: config.configFile ?? null, problems: [ofWholeFile(error)] }
  }
  if (found === undefined) return { ...report, problems: [ofWholeFile(noFile())] }
  const document = readConfigDocument(found.text)
  if (document.contents === undefined) return { ...report, file: found.path, problems: document.problems }
  const { contents } = document
  const file = configFileOf(found, contents, environment)
  const unset = unsetVariables(document, environment)
  const isFilledIn = (...path: string[]): boolean =>
    !unset.some(problem => problem.path.startsWith(`${path.join('.')}.`))
  const problems = [
    ...unset,
    ...(await sourceProblems(document, { file, isFilledIn })),
    ...(await targetProblems(document, { file, isFilledIn })),
    ...(await hookProblems(document, contents)),
    ...notificationProblems(document, { contents, environment, isFilledIn }),
  ]
  const { sourceNames, targetNames, warnings } = file
  return { file: found.path, problems: problems.toSorted(byPlace), warnings, sourceNames, targetNames }
}

interface Filling {
  file: ConfigFile
  /** Whether each variable below that path is set. */
  isFilledIn: (...path: string[]) => boolean
}

function unsetVariables(document: ConfigDocument, environment: Environment): ConfigProblem[] {
  return document.texts
    .filter(({ path }) => !isHook(path))
    .flatMap(({ text, problem }) =>
      variablesIn(text).flatMap(name => {
        try {
          if (readSetting(environment, name) !== undefined) return []
          return [
            problem(
              `the variable ${name} is not set`,
              `Set ${name}, or ${name}_FILE to the path of a file that holds the value.`,
            ),
          ]
        } catch (error) {
          const { message, hint = '' } = describeError(error)
          return [problem(message, hint)]
        }
      }),
    )
}

/** The arguments of hooks stay as they are written. */
function isHook([section, , setting]: readonly PropertyKey[]): boolean {
  return section === 'sources' && (setting === 'before' || setting === 'after')
}

async function sourceProblems(
  document: ConfigDocument,
  { file, isFilledIn }: Filling,
): Promise<ConfigProblem[]> {
  const names = file.sourceNames.filter(name => isFilledIn('sources', name))
  const check = async (name: string): Promise<void> => {
    await planNamedSource(name, file)
    assertDrillTarget(file, file.source(name))
  }
  return await problemsOf(document, 'sources', { names, check })
}

async function targetProblems(
  document: ConfigDocument,
  { file, isFilledIn }: Filling,
): Promise<ConfigProblem[]> {
  const names = file.targetNames.filter(name => isFilledIn('targets', name))
  const check = async (name: string): Promise<unknown> => await targetIn(file.target(name))
  return await problemsOf(document, 'targets', { names, check })
}

async function problemsOf(
  document: ConfigDocument,
  section: 'sources' | 'targets',
  { names, check }: { names: readonly string[]; check: (name: string) => Promise<unknown> },
): Promise<ConfigProblem[]> {
  const found = names.map(async name => {
    try {
      await check(name)
      return []
    } catch (error) {
      return [document.problemAt([section, name], shown(error))]
    }
  })
  return (await Promise.all(found)).flat()
}

async function hookProblems(
  document: ConfigDocument,
  { sources }: ConfigFileContents,
): Promise<ConfigProblem[]> {
  const found = Object.entries(sources).flatMap(([name, source]) =>
    (['before', 'after'] as const).flatMap(stage =>
      (source[stage] ?? []).map(async ({ run: [program = ''] }) => {
        const why = await whyNotRun(program)
        if (why === undefined) return []
        return [document.problemAt(['sources', name, stage], { message: `${program} is not run: ${why}` })]
      }),
    ),
  )
  return (await Promise.all(found)).flat()
}

/** Each entry by itself, so that each error has its line. */
function notificationProblems(
  document: ConfigDocument,
  {
    contents,
    environment,
    isFilledIn,
  }: Pick<Filling, 'isFilledIn'> & { contents: ConfigFileContents; environment: Environment },
): ConfigProblem[] {
  if (!isFilledIn('notifications')) return []
  return Object.entries(contents.notifications).flatMap(([name, value]) => {
    try {
      const entry: NotificationEntries = expandVariables({ [name]: value }, environment, 'notifications')
      readNotificationSettings(entry)
      return []
    } catch (error) {
      return [document.problemAt(['notifications', name], { ...shown(error), message: 'not understood' })]
    }
  })
}

/** A message may name a place; a secret in it is hidden. */
function shown(error: unknown): { message: string; hint?: string | undefined } {
  const { message, hint } = describeError(error)
  return { message: hideSecrets(message), hint: hint === undefined ? undefined : hideSecrets(hint) }
}

function ofWholeFile(error: unknown): ConfigProblem {
  const { message, hint = null } = describeError(error)
  return { line: null, column: null, path: '', message, hint }
}

function noFile(): BackupError {
  return new BackupError('There is no telegram-backup.yaml in the working or in the state folder', {
    code: 'CONFIGURATION',
    hint: 'Write one, or name it in TELEGRAM_BACKUP_CONFIG.',
  })
}

function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}
