import type { OfferedSource, SetupQuestions } from '@telegram-backup/engine/operations/init.ts'
import { formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import type { CommandContext } from '#commands/command.ts'
import { answerTo } from '#commands/terminal-question.ts'

/** The questions of `init`, on a terminal. */
export function terminalQuestions(context: Pick<CommandContext, 'host' | 'note' | 'signal'>): SetupQuestions {
  const { note } = context
  return {
    token: async ({ problem }) => {
      if (problem !== undefined) note(problem)
      else note('A bot sends the backups. Write /newbot to @BotFather in Telegram; the answer has its token.')
      return await answerTo(context, 'Bot token (it is not shown): ', { isSecret: true })
    },
    chat: async chats => {
      note('Messages were posted in several chats:')
      for (const [index, { title, id }] of chats.entries())
        note(`  ${index + 1}  ${JSON.stringify(title.slice(0, 128))}, ${id}`)
      for (;;) {
        const chosen = chats[Number(await answerTo(context, 'Which one holds the backups? Number: ')) - 1]
        if (chosen !== undefined) return chosen
      }
    },
    places: async (found, { problem }) => {
      if (problem === undefined) for (const line of describeFound(found)) note(line)
      else note(problem)
      for (;;) {
        const typed = await answerTo(
          context,
          'Back up which? Numbers, paths, URLs, separated by blanks (Enter: those with *): ',
        )
        const places = readPlaces(typed, choicesOf(found))
        if (places !== undefined) return places
        note('The list has no such number.')
      }
    },
    recoveryKey: async ({ file, secret, isEnd }) => {
      note(
        `The recovery key decrypts every backup. It is in ${file}, and if this machine is lost, it is lost.`,
      )
      note('Copy it to another machine, into a password manager, or on paper. "show" shows it here once.')
      let question = 'When the copy is there, type its last six characters (Enter: later): '
      for (;;) {
        const typed = await answerTo(context, question)
        if (typed.trim() === '') return false
        if (isEnd(typed)) return true
        question = 'Its last six characters (Enter: later): '
        // Only on the terminal of the person, and in no log.
        if (typed.trim().toLowerCase() === 'show') context.host.stderr.write(`${secret}\n`)
        else note('The key ends otherwise. Look at the copy again.')
      }
    },
  }
}

/** What was found, with numbers for what can be chosen. */
function describeFound(found: readonly OfferedSource[]): string[] {
  if (found.length === 0) return ['Neither databases nor the usual folders were found on this machine.']
  const choices = choicesOf(found)
  return [
    'Found on this machine:',
    ...choices.map((source, index) => {
      const size = source.sizeBytes === undefined ? '' : `, ${formatBytes(source.sizeBytes)}`
      return `  ${String(index + 1).padStart(2)} ${source.isUsual ? '*' : ' '} ${source.shown}${size}`
    }),
    ...found.flatMap(source =>
      'problem' in source
        ? [
            `   -   ${source.shown}: ${source.problem}`,
            ...(source.hint === undefined ? [] : [`       ${source.hint}`]),
          ]
        : [],
    ),
  ]
}

function choicesOf(found: readonly OfferedSource[]) {
  return found.filter(source => 'place' in source)
}

type Place = Awaited<ReturnType<SetupQuestions['places']>>[number]

/**
 * What is neither a number nor a URL is a path; the set-up checks it. Undefined for a number that is not in
 * the list.
 */
function readPlaces(typed: string, choices: ReturnType<typeof choicesOf>): Place[] | undefined {
  const words = typed.split(/\s+/).filter(word => word !== '')
  if (words.length === 0) return choices.filter(({ isUsual }) => isUsual)
  const places = words.map(word => {
    if (/^\d+$/.test(word)) return choices[Number(word) - 1]
    return { setting: /^postgres(ql)?:\/\//i.test(word) ? 'postgres' : 'directory', place: word }
  })
  return places.includes(undefined) ? undefined : places.filter(place => place !== undefined)
}
