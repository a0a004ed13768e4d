import { hostname } from 'node:os'
import { join } from 'node:path'
import { CONNECTORS } from '@telegram-backup/connectors/registry.ts'
import { BackupError, describeError, hint, option } from '@telegram-backup/errors'
import { assertProjectId } from 'telegram-deployment-bot'
import { stringify } from 'yaml'
import { CONFIG_FILE_NAME, type ConfigFile, readConfigFile } from '#config/config-file.ts'
import type { SourceSettings } from '#config/source-settings.ts'
import { createFile, isThere } from '#durable-files.ts'
import { nameSources, plainName } from '#setup/name-sources.ts'
import { checkNamedSource, type NamedPlace, readPlaces } from '#setup/places.ts'
import type { GivenPlace, OfferedSource, Setup, Staged } from '#setup/setup.ts'

export interface KnownSources {
  file: ConfigFile
  /** Sources that can be backed up now. */
  names: readonly string[]
  /** What a person has to add to a file of their own, as YAML. */
  toAdd: string | undefined
}

/** Chooses what is backed up, checks it, and writes telegram-backup.yaml unless there is one. */
export async function setUpSources(setup: Setup): Promise<Staged<KnownSources>> {
  const path = await findFile(setup)
  return path === undefined ? await writeNewFile(setup) : await useFile(setup, path)
}

/** The file that every command would use, or the one in the folder of the set-up. */
async function findFile({ settings, folder }: Setup): Promise<string | undefined> {
  const config = settings.config()
  if (config.configFile !== undefined) return config.configFile
  const own = join(folder, CONFIG_FILE_NAME)
  if (await isThere(own)) return own
  return (await readConfigFile(config, settings.environment)).path
}

async function useFile(setup: Setup, path: string): Promise<Staged<KnownSources>> {
  const { settings, answers, hooks } = setup
  const file = await readConfigFile({ ...settings.config(), configFile: path }, settings.environment)
  const missing = await placesNotIn(file, await readPlaces(answers.places))
  const toAdd = missing.length === 0 ? undefined : await asYaml(setup, missing, file.sourceNames)
  await keepPath(setup, path)
  const checked = await Promise.all(
    file.sourceNames.map(async name => ({ name, problem: await problemOf(name, file, hooks.signal) })),
  )
  for (const { name, problem } of checked)
    if (problem !== undefined) hooks.note(`warning: the source ${name} cannot be backed up now: ${problem}`)
  const names = checked.filter(({ problem }) => problem === undefined).map(({ name }) => name)
  const isWhole = toAdd === undefined && names.length > 0 && names.length === checked.length
  return {
    state: isWhole ? 'there' : 'open',
    message: `${file.sourceNames.join(', ') || 'none'} in ${path}, which stays as it is`,
    ...(toAdd !== undefined && {
      hint: `Add what is missing to ${path} (shown below), then start this again.`,
    }),
    ...(toAdd === undefined && names.length === 0 && { hint: `Write a source into ${path}.` }),
    result: { file, names, toAdd },
  }
}

async function problemOf(name: string, file: ConfigFile, signal: AbortSignal): Promise<string | undefined> {
  try {
    await checkNamedSource(name, file, signal)
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    const { message, hint: advice } = describeError(error)
    return advice === undefined ? message : `${message}. ${advice}`
  }
}

/** Compares places, without passwords, as a set-up reads them. */
async function placesNotIn(file: ConfigFile, places: readonly NamedPlace[]): Promise<NamedPlace[]> {
  const present = await Promise.all(
    file.sourceNames.map(async name => {
      try {
        return await readPlaces(givenIn(file.source(name)))
      } catch {
        // A source of the file that cannot be read is reported by its own check.
        return []
      }
    }),
  )
  const known = new Set(present.flat().map(({ setting, place }) => `${setting} ${place}`))
  return places.filter(({ setting, place }) => !known.has(`${setting} ${place}`))
}

function givenIn(source: SourceSettings): GivenPlace[] {
  return CONNECTORS.flatMap(({ place: setting, setup }) => {
    const place = source[setting as keyof SourceSettings]
    return setup !== undefined && typeof place === 'string' ? [{ setting, place }] : []
  })
}

async function writeNewFile(setup: Setup): Promise<Staged<KnownSources>> {
  const { settings, folder } = setup
  const path = join(folder, CONFIG_FILE_NAME)
  const places = await choosePlaces(setup)
  const head = [
    '# What is backed up, and where it is restored to. connectors/README.md lists all settings.',
    `# Written by the set-up, ${new Date().toISOString().slice(0, 10)}. It is never changed by the program: edit it as you like.`,
    '',
  ]
  await createFile(path, head.join('\n') + (await asYaml(setup, places, [])))
  await keepPath(setup, path)
  const file = await readConfigFile({ ...settings.config(), configFile: path }, settings.environment)
  return {
    state: 'made',
    message: `${file.sourceNames.join(', ')} in ${path}`,
    result: { file, names: file.sourceNames, toAdd: undefined },
  }
}

/** Every command finds the file by itself only in the state folder. */
async function keepPath({ settings }: Setup, path: string): Promise<void> {
  const { stateFolder, configFile } = settings.config()
  const isFound = configFile === undefined && path === join(stateFolder, CONFIG_FILE_NAME)
  if (!isFound) await settings.save({ TELEGRAM_BACKUP_CONFIG: path })
}

/** The given places, else what a person chooses, else what is usual. Each of them can be backed up now. */
async function choosePlaces(setup: Setup): Promise<NamedPlace[]> {
  const { answers, ask, hooks } = setup
  const check = { project: projectOf(setup), signal: hooks.signal }
  if (answers.places.length > 0) return await readPlaces(answers.places, check)
  hooks.onWait('Looking for databases and folders on this machine')
  const found = await findAll(hooks.signal)
  hooks.onWait(undefined)
  let problem: string | undefined
  while (ask !== undefined) {
    const chosen = await ask.places(found, { problem })
    try {
      if (chosen.length > 0) return await readPlaces(chosen, check)
      problem = 'Choose one place at least.'
    } catch (error) {
      hooks.signal.throwIfAborted()
      const { message, hint: advice } = describeError(error)
      problem = advice === undefined ? message : `${message}. ${advice}`
    }
  }
  return await usualPlaces(found, setup, check)
}

async function findAll(signal: AbortSignal): Promise<OfferedSource[]> {
  const found = await Promise.all(
    CONNECTORS.map(async ({ place: setting, setup }) =>
      ((await setup?.find(signal)) ?? []).map(source => ({ ...source, setting })),
    ),
  )
  return found.flat()
}

/** Nobody can be asked: what cannot be backed up now is named and left out. */
async function usualPlaces(
  found: readonly OfferedSource[],
  { hooks }: Setup,
  check: { project: string; signal: AbortSignal },
): Promise<NamedPlace[]> {
  const usual: GivenPlace[] = []
  for (const source of found) {
    if ('problem' in source) {
      hooks.note(`note: ${source.shown} is left out: ${source.problem}. ${source.hint ?? ''}`)
    } else if (source.isUsual) {
      const given = { setting: source.setting, place: source.place }
      try {
        await readPlaces([given], check)
        usual.push(given)
      } catch (error) {
        hooks.signal.throwIfAborted()
        const { message, hint: advice = '' } = describeError(error)
        hooks.note(`note: ${source.shown} is left out: ${message}. ${advice}`)
      }
    }
  }
  if (usual.length > 0) return await readPlaces(usual)
  throw new BackupError('Nothing to back up was named, and nothing usual was found on this machine', {
    code: 'USAGE',
    hint: hint`Give ${option('postgres', 'URL')} or ${option('directory', 'PATH')}; each may be repeated.`,
  })
}

/** Entries below "sources:"; the passwords that they refer to go into the environment. */
async function asYaml(
  setup: Setup,
  places: readonly NamedPlace[],
  taken: readonly string[],
): Promise<string> {
  const { sources, secrets } = nameSources(places, { project: projectOf(setup), taken })
  await setup.settings.save(secrets)
  return stringify({ sources }, { lineWidth: 0 })
}

function projectOf({ answers }: Setup): string {
  const project = answers.project ?? plainName(hostname())
  assertProjectId(project)
  return project
}
