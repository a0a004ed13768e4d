import { count } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import { describeCommand, type RegisterCommand } from '#commands/command.ts'
import type { DemoResult } from '#demo/demo-story.ts'

/** `demo`: a backup and its restore, with nothing installed. */
export const registerDemo: RegisterCommand = (program, run) => {
  describeCommand(program.command('demo'), {
    description:
      'back up a sample database to a local Bot API server, fetch the backup and compare; nothing needs to be installed',
    examples: ['telegram-backup demo'],
  }).action((options: { json?: boolean }) =>
    run(
      async ({ output, signal }) => {
        const { playDemo } = await import('#demo/demo-story.ts')
        const result = await playDemo(
          line => (output.json ? output.note(line) : output.stdout.write(`${line}\n`)),
          signal,
        )
        output.answer(result, () => describeEnd(result))
        return result.success ? ExitCode.DONE : ExitCode.FAILED
      },
      options,
      { settings: false },
    ),
  )
}

function describeEnd(result: DemoResult): string {
  if (!result.success)
    return '\nThe demo FAILED: the restored data differs from what was sent, or a damaged part was accepted.'
  return `
The database came back row for row, in ${result.seconds} s, from ${count(result.messages_in_chat, 'message')} in the chat.

See the whole product with sample data, and the page, within a minute:
  npm start

Or go on with a bot of your own (README, "With a real bot", says how to get one), in this folder:
  npm run setup           # puts the command on the PATH
  telegram-backup init    # keys, first backup, proof, schedule`
}
