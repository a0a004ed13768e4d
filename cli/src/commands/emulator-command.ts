import { ExitCode } from '@telegram-backup/errors'
import { describeCommand, PORTS, type RegisterCommand, usageError, wholeNumber } from '#commands/command.ts'

/** `emulator`: the local Bot API server, until Ctrl-C. */
export const registerEmulator: RegisterCommand = (program, run) => {
  describeCommand(program.command('emulator'), {
    description:
      'run a local Bot API server with Telegram’s limits, one bot and one channel, to try the commands without Telegram',
    options: {
      '--port <number>': ['the TCP port; 0 takes a free one', '0'],
      '--data <folder>':
        'keep the bot, the chat and the messages in this folder (default: they are lost when the server stops)',
    },
    examples: [
      'telegram-backup emulator --port 8081 --data ~/emulator-data',
      'telegram-backup emulator --json',
    ],
  }).action((options: { port: string; data?: string; json?: boolean }) =>
    run(
      async ({ output, signal }) => {
        const { prepareWorld, startEmulator } = await import('@telegram-backup/bot-api-emulator')
        const emulator = await startEmulator({
          port: wholeNumber('--port', options.port, PORTS),
          dataDir: options.data,
        }).catch((error: NodeJS.ErrnoException) => {
          throw cannotStart(error, options)
        })
        try {
          const { bot, chat } = prepareWorld(emulator)
          const answer = { url: emulator.url, token: bot.token, chat_id: chat.id, data: options.data ?? null }
          output.answer(answer, () =>
            [
              `Bot API server: ${emulator.url}   (Ctrl-C stops it)`,
              'In another terminal:',
              `  export TELEGRAM_API_ROOT=${emulator.url}`,
              `  export TELEGRAM_BOT_TOKEN=${bot.token}`,
              `  export TELEGRAM_CHAT_ID=${chat.id}`,
            ].join('\n'),
          )
          await new Promise<void>(resolve => {
            if (signal.aborted) resolve()
            signal.addEventListener('abort', () => resolve(), { once: true })
          })
          return ExitCode.DONE
        } finally {
          await emulator.close()
        }
      },
      options,
      { settings: false },
    ),
  )
}

/** An error that names the port or the folder, and what to do; Node's own message does not. */
function cannotStart(error: NodeJS.ErrnoException, options: { port: string; data?: string }): Error {
  if (error.syscall === 'listen') {
    const reason = error.code === 'EADDRINUSE' ? 'is already in use' : `cannot be used: ${error.code}`
    return usageError(`Port ${options.port} ${reason}`, 'Choose another with --port; 0 takes a free one.')
  }
  if (error.path === undefined) return error
  return usageError(
    `The folder ${options.data} cannot be used (${error.code})`,
    'Choose another with --data.',
  )
}
