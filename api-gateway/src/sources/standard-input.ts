import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import type { BackupSource, BackupType } from 'telegram-deployment-bot'
import { BackupError } from '#lib/backups/backup-error.ts'

const STDIN_FD = 0

const FILENAMES: Readonly<Record<BackupType, string>> = {
  database: 'database.sql',
  storage: 'storage.bin',
  logs: 'logs.log',
}

/**
 * What comes by standard input, to its end. A file or a pipe is read by its descriptor, off the main thread; a socket, a
 * terminal, or a pipe of another user, which cannot be opened once more, as a stream. Throws `USAGE` for a directory.
 */
export function openStandardInput(type: BackupType): BackupSource {
  const fd = descriptorOfInput()
  // Merely to name the stream would take what is in the pipe.
  const archiveSource = fd === undefined ? process.stdin : { fd }
  let isOpen = fd !== undefined && fd !== STDIN_FD
  return {
    archiveSource,
    filename: FILENAMES[type],
    sizeBytes: undefined,
    facts: { kind: 'stdin' },
    finish: async () => ({}),
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
      hint: 'telegram-backup send --directory PATH backs one up.',
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
