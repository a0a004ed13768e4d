import { fillEnvironment } from '@telegram-backup/engine/config/environment-files.ts'
import { ExitCode } from '@telegram-backup/errors'
import type { Command } from 'commander'
import { type CommandContext, describeCommand, type RegisterCommand, usageError } from '#commands/command.ts'
import { type Candidate, type Wanted, wantedWord } from '#completion/wanted-word.ts'

/** `completion SHELL`: the script that completes words of this program in a shell. */
export const registerCompletion: RegisterCommand = (program, run) => {
  describeCommand(program.command('completion'), {
    description:
      'print the script that completes commands, options and names in your shell. Ids of backups complete while the catalog runs: with "telegram-backup serve", or with DATABASE_URL',
    argument: ['<shell>', 'bash, zsh or fish'],
    examples: [
      'telegram-backup completion bash >> ~/.bash_completion',
      'telegram-backup completion zsh > ~/.zfunc/_telegram-backup        # a folder of $fpath',
      'telegram-backup completion fish > ~/.config/fish/completions/telegram-backup.fish',
    ],
  }).action((shell: string, options: { json?: boolean }) =>
    run(
      async ({ output }) => {
        const { SHELL_SCRIPTS } = await import('#completion/shell-scripts.ts')
        const script = Object.hasOwn(SHELL_SCRIPTS, shell) ? SHELL_SCRIPTS[shell] : undefined
        if (script === undefined)
          throw usageError(
            `There is no completion for ${JSON.stringify(shell.slice(0, 40))}`,
            `Use bash, zsh or fish.`,
          )
        // The tabs in it must stay.
        if (output.json) output.answer({ shell, script }, () => '')
        else output.stdout.write(script)
        return ExitCode.DONE
      },
      options,
      { settings: false },
    ),
  )
}

/**
 * `__complete -- WORD…`: what may stand in the last word, for those scripts. The first line is `words`,
 * `files` or `directories`, each other line a word, a tab and what it stands for.
 */
export const registerWordCompletion: RegisterCommand = (program, run) => {
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action((words: string[]) =>
      run(context => answerShell(context, program, words), {}, { settings: false }),
    )
}

async function answerShell(
  context: CommandContext,
  program: Command,
  words: readonly string[],
): Promise<ExitCode> {
  const wanted = wantedWord(program, words)
  const candidates = await candidatesFor(context, wanted)
  const current = words.at(-1) ?? ''
  const kind = kindOf(wanted, candidates)
  const lines = candidates
    .filter(({ word }) => word.startsWith(current) && isPlain(word))
    .map(({ word, about }) => `${word}\t${shortened(about)}`)
  context.host.stdout.write([kind, ...lines, ''].join('\n'))
  return ExitCode.DONE
}

/** A target may also be a directory. */
function kindOf(wanted: Wanted, candidates: readonly Candidate[]): string {
  if (wanted.kind === 'names')
    return wanted.of === 'target' && candidates.length === 0 ? 'directories' : 'words'
  return wanted.kind
}

async function candidatesFor(context: CommandContext, wanted: Wanted): Promise<readonly Candidate[]> {
  if (wanted.kind === 'words') return wanted.candidates
  if (wanted.kind !== 'names') return []
  const { host, signal } = context
  // Without the settings that cannot be read, there are fewer names.
  await fillEnvironment(host.env).catch(() => {})
  const { knownNames } = await import('@telegram-backup/engine/operations/names.ts')
  try {
    const names = await knownNames(wanted.of, { config: context.config, environment: host.env, signal })
    return names.map(({ name, about }) => ({ word: `${wanted.before}${name}`, about }))
  } catch {
    return []
  }
}

/** Others choose names. One that would change a terminal or end a line is not offered. */
function isPlain(word: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(word)
}

const MOST_CHARACTERS = 70

function shortened(about: string): string {
  const text = about.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ')
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1).trimEnd()}…`
}
