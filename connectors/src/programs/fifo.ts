import { execFile } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BackupError } from '@telegram-backup/errors'
import { bareEnvironment } from '#programs/environment.ts'

/** Both ends of a FIFO whose name is gone already: what holds neither of them holds nothing. */
export interface Fifo {
  /** Not blocking, so that opening it waited for nobody. */
  readonly readFd: number
  /** For a child that writes. Whoever passed it on closes it, or the end never comes. */
  readonly writeFd: number
}

/**
 * Makes a FIFO, which Node has no call for: what it gives a child as a pipe is a socket, and that cannot be opened a
 * second time by a thread. Throws `SOURCE` where none can be made.
 */
export async function openFifo(): Promise<Fifo> {
  let folder: string | undefined
  let readFd: number | undefined
  try {
    // Of mode 0700: nobody else can open the FIFO while it has a name.
    folder = await mkdtemp(join(tmpdir(), 'telegram-backup-'))
    const path = join(folder, 'fifo')
    await promisify(execFile)('mkfifo', ['-m', '600', path], { env: bareEnvironment() })
    readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    // A reader is there, so this does not wait; a writer that can only write learns when the reader has gone.
    return { readFd, writeFd: openSync(path, constants.O_WRONLY) }
  } catch (cause) {
    if (readFd !== undefined) closeSync(readFd)
    const { code } = cause as NodeJS.ErrnoException
    throw new BackupError(`No pipe can be made in ${tmpdir()} (${code ?? 'mkfifo failed'})`, {
      code: 'SOURCE',
      hint: 'mkfifo (coreutils) makes it, in a temporary folder that can be written; TMPDIR names another.',
      cause,
    })
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}
