import { writeFile } from 'node:fs/promises'
import { ExitCode } from '@telegram-backup/errors'
import { describeCommand, type RegisterCommand, usageError } from '#commands/command.ts'

/** `keygen`: a new age key pair. */
export const registerKeygen: RegisterCommand = (program, run) => {
  describeCommand(program.command('keygen'), {
    description:
      'create an age key pair: the public key encrypts backups, and only the key file can decrypt them',
    options: {
      '--out <file>':
        'write the key file here, readable only by its owner; an existing file is never replaced',
    },
    examples: [
      'telegram-backup keygen --out backup-key.txt',
      'export BACKUP_AGE_RECIPIENTS=age1…          (the public key that it prints)',
      'export BACKUP_AGE_IDENTITY_FILE=backup-key.txt   (needed only to restore, fetch, verify and recover)',
    ],
  }).action((options: { out?: string; json?: boolean }) =>
    run(
      async ({ output }) => {
        const { generateIdentity, keyFileText } = await import('@telegram-backup/engine/age-keys.ts')
        const made = await generateIdentity()
        const { identity, recipient } = made
        const text = keyFileText(made)
        if (options.out === undefined) {
          output.answer({ recipient, identity }, () => text.trimEnd())
          return ExitCode.DONE
        }
        await writeKeyFile(options.out, text)
        output.outcome(
          { recipient, identity_file: options.out },
          () =>
            `Public key: ${recipient}\nThe key file is ${options.out}. Without it, no backup can ever be decrypted: ` +
            'keep a copy on another machine.\nNext: export BACKUP_AGE_RECIPIENTS=' +
            recipient,
        )
        return ExitCode.DONE
      },
      options,
      { settings: false },
    ),
  )
}

async function writeKeyFile(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600, flag: 'wx', flush: true })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') {
      throw usageError(
        `${path} cannot be written: its folder does not exist`,
        'Create the folder first (mkdir -m 700), or choose another name with --out.',
      )
    }
    throw usageError(
      code === 'EEXIST'
        ? `${path} already exists, and keygen never overwrites a file`
        : `${path} cannot be written (${code})`,
      'Choose another name with --out.',
    )
  }
}
