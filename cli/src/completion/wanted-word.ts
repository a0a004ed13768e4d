import type { Command, Option } from 'commander'

/** A word that may stand where the cursor is. */
export interface Candidate {
  word: string
  /** For people; zsh and fish show it. */
  about: string
}

/** Things whose names the configuration and the catalog know. */
export type NameKind =
  | 'backup'
  | 'schedule'
  | 'job'
  | 'apikey'
  | 'bucket'
  | 'doorkey'
  | 'person'
  | 'source'
  | 'target'
  | 'project'
  | 'tag'

/** What may stand where the cursor is. */
export type Wanted =
  | { kind: 'words'; candidates: readonly Candidate[] }
  /** `before` stands before each name in the same word: `--source=`. */
  | { kind: 'names'; of: NameKind; before: string }
  | { kind: 'files' | 'directories'; before: string }

/** By the long name of the option. */
const NAMES: Readonly<Record<string, NameKind>> = {
  '--source': 'source',
  '--to': 'target',
  '--on': 'target',
  '--project': 'project',
  '--resume': 'backup',
  '--bucket': 'bucket',
  '--tag': 'tag',
  '--remove': 'tag',
  '--keep-tag': 'tag',
}
const PATHS: Readonly<Record<string, 'files' | 'directories'>> = {
  '--directory': 'directories',
  '--data': 'directories',
  '--file': 'files',
  '--out': 'files',
  '--env-file': 'files',
  '--certificate': 'files',
  '--certificate-key': 'files',
}
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  '--type': ['database', 'storage', 'logs'],
  '--format': ['plain', 'custom'],
  '--links': ['skip', 'keep'],
  '--kind': ['restic'],
  '--replica': ['later', 'wait'],
  '--catch-up': ['once', 'skip'],
  '--log-format': ['auto', 'pretty', 'json'],
}
/** By the command that the argument `id` belongs to, or its group; all others name backups. */
const IDS: Readonly<Record<string, NameKind>> = {
  schedule: 'schedule',
  jobs: 'job',
  apikey: 'apikey',
  bucket: 'bucket',
  doorkey: 'doorkey',
  user: 'person',
}
const SHELLS = ['bash', 'zsh', 'fish']

/** All options that the tables above name, for a test that they exist. */
export const COMPLETED_OPTIONS: readonly string[] = [NAMES, PATHS, CHOICES].flatMap(table =>
  Object.keys(table),
)

/**
 * What may stand in the last word. The other words are read as the commands themselves read them.
 * @param words after the name of the program; the last one may be empty
 */
export function wantedWord(program: Command, words: readonly string[]): Wanted {
  const before = words.slice(0, -1)
  const current = words.at(-1) ?? ''
  let command = program
  let awaiting: Option | undefined
  let places = 0
  let isOptionless = false
  for (const word of before) {
    if (awaiting !== undefined) {
      awaiting = undefined
      continue
    }
    if (!isOptionless && word === '--') isOptionless = true
    else if (!isOptionless && word.startsWith('-') && word !== '-') {
      const option = optionNamed(command, word)
      if (option?.required && !word.includes('=')) awaiting = option
    } else {
      const below = places === 0 ? command.commands.find(one => isNamed(one, word)) : undefined
      if (below === undefined) places++
      else command = below
    }
  }
  if (awaiting !== undefined) return valuesFor(command, awaiting, '')
  if (!isOptionless && current.startsWith('--') && current.includes('=')) {
    const flag = current.slice(0, current.indexOf('='))
    const option = optionNamed(command, flag)
    return option?.required ? valuesFor(command, option, `${flag}=`) : NOTHING
  }
  if (!isOptionless && current.startsWith('-')) return { kind: 'words', candidates: optionsOf(command) }
  if (places === 0 && command.commands.length > 0) return { kind: 'words', candidates: namesBelow(command) }
  return argumentOf(command, places)
}

const NOTHING: Wanted = { kind: 'words', candidates: [] }

function isNamed(command: Command, word: string): boolean {
  return command.name() === word || command.aliases().includes(word)
}

function optionNamed(command: Command, word: string): Option | undefined {
  const [flag] = word.split('=', 1)
  return command.options.find(({ long, short }) => long === flag || short === flag)
}

function isShown(command: Command): boolean {
  return !command.name().startsWith('_')
}

function namesBelow(command: Command): Candidate[] {
  return command.commands
    .filter(isShown)
    .map(one => ({ word: one.name(), about: one.summary() || one.description() }))
    .concat(command.parent === null ? [{ word: 'help', about: 'the help of a command' }] : [])
}

function optionsOf(command: Command): Candidate[] {
  return [
    ...command.options.filter(({ hidden }) => !hidden),
    // Commander adds it to each command by itself.
    { long: '--help', description: 'show the help of the command' },
  ].flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : []))
}

function valuesFor(command: Command, { long, argChoices }: Option, before: string): Wanted {
  const name = long ?? ''
  const choices = argChoices ?? choicesFor(command, name)
  if (choices !== undefined)
    return { kind: 'words', candidates: choices.map(word => ({ word: `${before}${word}`, about: '' })) }
  const of = NAMES[name]
  if (of !== undefined) return { kind: 'names', of, before }
  const path = PATHS[name]
  return path === undefined ? NOTHING : { kind: path, before }
}

function choicesFor(command: Command, option: string): readonly string[] | undefined {
  if (option === '--state') return STATES[stateOf(command)]
  if (option === '--scope') return SCOPES[command.parent?.name() ?? '']
  return CHOICES[option]
}

/** By the group of commands. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  apikey: ['read', 'backup', 'restore', 'admin'],
  doorkey: ['read', 'append', 'full'],
}

const STATES = {
  backup: ['sending', 'complete', 'failed', 'erasing', 'erased'],
  job: ['queued', 'running', 'done', 'failed', 'cancelled'],
}

function stateOf(command: Command): keyof typeof STATES {
  return command.parent?.name() === 'jobs' ? 'job' : 'backup'
}

function argumentOf(command: Command, place: number): Wanted {
  const argument = command.registeredArguments[place]
  if (argument === undefined) return NOTHING
  if (argument.name() === 'shell')
    return { kind: 'words', candidates: SHELLS.map(word => ({ word, about: '' })) }
  if (argument.name() !== 'id' && argument.name() !== 'other') return NOTHING
  return { kind: 'names', of: IDS[command.parent?.name() ?? ''] ?? 'backup', before: '' }
}
