import { execFile } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BackupError } from '@telegram-backup/errors'
import { bareEnvironment } from '#programs/environment.ts'

/** Both ends of a FIFO whose name is already removed. */
export interface Fifo {
  /** Non-blocking, so that opening it waits for nobody. */
  readonly readFd: number
  /** For a child that writes. The caller closes it, or the reader never sees an end. */
  readonly writeFd: number
}

/** A thread cannot open the pipe of a Node child again: that is a socket. Throws `SOURCE`. */
export async function openFifo(): Promise<Fifo> {
  let folder: string | undefined
  let readFd: number | undefined
  try {
    // Its mode is 0700: nobody else can open the FIFO while it has a name.
    folder = await mkdtemp(join(tmpdir(), 'telegram-backup-'))
    const path = join(folder, 'fifo')
    await promisify(execFile)('mkfifo', ['-m', '600', path], { env: bareEnvironment() })
    readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    // Waits for nobody: the reader is open.
    return { readFd, writeFd: openSync(path, constants.O_WRONLY) }
  } catch (cause) {
    if (readFd !== undefined) closeSync(readFd)
    const { code } = cause as NodeJS.ErrnoException
    throw new BackupError(`No pipe can be made in ${tmpdir()} (${code ?? 'mkfifo failed'})`, {
      code: 'SOURCE',
      hint: 'It needs mkfifo (coreutils) and a temporary folder that can be written; set TMPDIR to choose another.',
      cause,
    })
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}
