import type { EventEmitter } from 'node:events'
import type { Command, Option } from 'commander'
import { bold, item, roffText, section, verbatim } from '#manual/roff.ts'

/** A page of section 1 of the manual. */
export interface ManualPage {
  /** `telegram-backup-send.1` */
  fileName: string
  /** roff, in ASCII. */
  text: string
}

const EXIT_STATUS: ReadonlyArray<readonly [code: string, meaning: string]> = [
  ['0', 'done'],
  ['1', 'failed'],
  ['2', 'wrong usage or configuration'],
  ['3', 'partly done, for example some of many'],
  ['4', 'not found'],
  ['5', 'damaged or missing data, or the wrong key'],
  ['130, 143', 'ended by Ctrl-C or SIGTERM'],
]

/** A page for the program and for each of its commands, made from their own definitions. */
export function manualPages(program: Command, of: { version: string; date: Date }): ManualPage[] {
  const commands = program.commands.filter(command => !command.name().startsWith('_'))
  return [program, ...commands].map(command => ({
    fileName: `${pageName(command)}.1`,
    text: `${pageOf(command, commands, of).join('\n')}\n`,
  }))
}

function pageOf(
  command: Command,
  all: readonly Command[],
  { version, date }: { version: string; date: Date },
): string[] {
  const isProgram = command.parent === null
  const { examples, remarks } = afterHelp(command)
  const below = isProgram ? [] : command.commands
  return [
    `.TH "${pageName(command).toUpperCase()}" 1 "${date.toISOString().slice(0, 10)}" "telegram-backup ${version}"`,
    ...section('Name', [`${roffText(pageName(command))} \\- ${roffText(summaryOf(command))}`]),
    ...section('Synopsis', synopsisOf(command)),
    ...section('Description', [roffText(sentence(command.description())), ...paragraphs(remarks)]),
    ...(isProgram ? commandSections(all) : []),
    ...section('Arguments', argumentItems(command)),
    ...optionSections(command),
    ...below.flatMap(one => [
      ...section(nameIn(one), [roffText(sentence(one.description()))]),
      ...argumentItems(one),
      ...one.options.flatMap(optionItem),
      ...verbatim(['', ...afterHelp(one).examples]),
    ]),
    ...section('Examples', examples.length === 0 ? [] : verbatim(examples)),
    ...section(
      'Exit status',
      EXIT_STATUS.flatMap(([code, meaning]) => item(code, meaning)),
    ),
    ...section('See also', [seeAlso(command, all)]),
  ]
}

/** `telegram-backup-schedule`; a command of a group is on the page of its group. */
function pageName(command: Command): string {
  return command.parent === null ? command.name() : `${command.parent.name()}-${command.name()}`
}

/** `schedule add` */
function nameIn(command: Command): string {
  const { parent } = command
  return parent === null || parent.parent === null ? command.name() : `${nameIn(parent)} ${command.name()}`
}

function synopsisOf(command: Command): string[] {
  const lines = command.parent === null || command.commands.length === 0 ? [command] : command.commands
  return lines.flatMap((one, index) => [
    ...(index === 0 ? [] : ['.br']),
    `${bold(one.parent === null ? one.name() : `telegram-backup ${nameIn(one)}`)} ${roffText(one.usage())}`,
  ])
}

/** The program itself has only its description. */
function summaryOf(command: Command): string {
  return command.summary() || (command.description().split('. ', 1)[0] ?? '')
}

function sentence(text: string): string {
  const whole = `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
  return /[.!?]$/.test(whole) ? whole : `${whole}.`
}

function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap(text => ['.PP', roffText(text)])
}

/** By their groups, as in the help. */
function commandSections(commands: readonly Command[]): string[] {
  const groups = Map.groupBy(commands, command => command.helpGroup().replace(/:$/, ''))
  return [...groups].flatMap(([heading, below]) => section(heading, below.flatMap(commandItem)))
}

function commandItem(command: Command): string[] {
  return item(`${bold(command.name())}`, sentence(command.summary()))
}

function argumentItems(command: Command): string[] {
  return command.registeredArguments.flatMap(argument =>
    item(roffText(argument.name()), sentence(argument.description)),
  )
}

/** By their groups, as in the help. */
function optionSections(command: Command): string[] {
  if (command.parent !== null && command.commands.length > 0) return []
  const groups = Map.groupBy(
    command.options.filter(({ hidden }) => !hidden),
    ({ helpGroupHeading }) => (helpGroupHeading ?? 'Options:').replace(/:$/, ''),
  )
  return [...groups].flatMap(([heading, options]) => section(heading, options.flatMap(optionItem)))
}

function optionItem({ flags, description, defaultValue, defaultValueDescription }: Option): string[] {
  const value = defaultValueDescription ?? (typeof defaultValue === 'string' ? defaultValue : undefined)
  const byDefault = value === undefined ? '' : ` (default: ${value})`
  return item(bold(flags), sentence(`${description}${byDefault}`))
}

/** What the help says after the options. */
function afterHelp(command: Command): { examples: string[]; remarks: string[] } {
  let text = ''
  // Commander keeps this text in listeners of its own events, which its types do not show.
  const events: Pick<EventEmitter, 'emit'> = command as unknown as EventEmitter
  events.emit('afterHelp', { command, error: false, write: (more: string) => (text += more) })
  const [before = '', after = ''] = text.split(/^Examples?:$/m)
  return {
    examples: after.split('\n').filter(line => line.trim() !== ''),
    // The options of every command stand on the page of each command.
    remarks: /^Each of these commands/m.test(before) ? [] : before.split('\n').filter(Boolean),
  }
}

function seeAlso(command: Command, all: readonly Command[]): string {
  const others = command.parent === null ? all : [command.parent]
  return others.map(one => `${bold(pageName(one))}(1)`).join(', ')
}
