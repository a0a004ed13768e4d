import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { BackupError, hint, option, run } from '@telegram-backup/errors'
import type { BackupSource, BackupType } from 'telegram-deployment-bot'

const STDIN_FD = 0

const FILENAMES: Readonly<Record<BackupType, string>> = {
  database: 'database.sql',
  storage: 'storage.bin',
  logs: 'logs.log',
}

/**
 * Standard input, to its end. A file or a pipe is read by its descriptor, off the main thread; a socket, a
 * terminal, or a pipe of another user, which cannot be opened again, as a stream. `finish` throws `SOURCE`
 * for an empty input, unless that is allowed: a program that fails at once leaves an empty pipe. Throws
 * `USAGE` for a directory.
 */
export function openStandardInput(type: BackupType, { mayBeEmpty }: { mayBeEmpty: boolean }): BackupSource {
  const fd = descriptorOfInput()
  // Touching process.stdin would read from the pipe.
  const archiveSource = fd === undefined ? process.stdin : { fd }
  let isOpen = fd !== undefined && fd !== STDIN_FD
  return {
    archiveSource,
    filename: FILENAMES[type],
    sizeBytes: undefined,
    facts: { kind: 'stdin' },
    finish: async plainBytesRead => {
      if (plainBytesRead > 0 || mayBeEmpty) return {}
      throw new BackupError('Standard input was empty', {
        code: 'SOURCE',
        hint: hint`Did the program before the pipe fail? ${option('allow', 'empty')} backs up 0 bytes all the same.`,
      })
    },
    close: async () => {
      if ('destroy' in archiveSource) archiveSource.destroy()
      else if (isOpen) closeSync(archiveSource.fd)
      isOpen = false
    },
  }
}

function descriptorOfInput(): number | undefined {
  const facts = fstatSync(STDIN_FD)
  if (facts.isDirectory()) {
    throw new BackupError('Standard input is a directory', {
      code: 'USAGE',
      hint: hint`${run('send', { directory: 'PATH' })} backs one up.`,
    })
  }
  if (facts.isFile()) return STDIN_FD
  if (!facts.isFIFO()) return undefined
  try {
    return openSync(`/proc/self/fd/${STDIN_FD}`, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
}
