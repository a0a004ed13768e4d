import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import type { CertificateFiles } from '@telegram-backup/engine/config/http-settings.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { repeatUntilStopped } from '@telegram-backup/engine/repeat-until-stopped.ts'
import { BackupError, type DescribedError, describeError } from '@telegram-backup/errors'

/** The certificate and the private key of a TLS server, as PEM. */
export interface Certificate {
  cert: Buffer
  key: Buffer
}

const OTHERS = 0o007
const GROUP_WRITES = 0o020
/** A larger file is no certificate. */
const MOST_BYTES = 1024 * 1024
const LOOK_EVERY_MS = 5_000
/** The renewal may have written only one of the two files so far. */
const SECOND_TRY_MS = 500

/**
 * Reads both files. Throws `CONFIGURATION` if they cannot be read or do not belong together, and for a key
 * that other users can read or its group can change.
 */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const cert = await read('certificate', files.certificate, async () => {})
  const key = await read('key of the certificate', files.key, assertPrivate)
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw new BackupError(`No TLS with ${files.certificate} and ${files.key}: ${wordsOf(cause)}`, {
      code: 'CONFIGURATION',
      hint: 'Give the certificate with its intermediate certificates, and its key without a passphrase, both as PEM.',
      cause,
    })
  }
  return { cert, key }
}

/** The reason alone: the message of the library also names its source lines. */
function wordsOf(error: unknown): string {
  return error instanceof Error && 'reason' in error && typeof error.reason === 'string'
    ? error.reason
    : 'they cannot be used'
}

async function read(
  noun: string,
  path: string,
  check: (file: FileHandle, path: string) => Promise<void>,
): Promise<Buffer> {
  let file: FileHandle | undefined
  try {
    // Opening a FIFO must not wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await file.stat()
    if (!stats.isFile() || stats.size > MOST_BYTES) {
      throw new BackupError(`${path} is not a ${noun}`, { code: 'CONFIGURATION', hint: 'Give a PEM file.' })
    }
    await check(file, path)
    return await file.readFile()
  } catch (cause) {
    if (cause instanceof BackupError) throw cause
    throw new BackupError(`The ${noun} ${path} cannot be read (${describeError(cause).code})`, {
      code: 'CONFIGURATION',
      hint: 'Check that the file exists, and that the user of the service may read it.',
      cause,
    })
  } finally {
    await file?.close()
  }
}

async function assertPrivate(file: FileHandle, path: string): Promise<void> {
  const { mode } = await file.stat()
  // The group may read it: certificate managers give keys to a service that way.
  if ((mode & (OTHERS | GROUP_WRITES)) === 0) return
  throw new BackupError(`Others can read or change the key ${path}`, {
    code: 'CONFIGURATION',
    hint: `If you still trust the key: chmod 600 ${path}`,
  })
}

/**
 * Checks the files every few seconds, and uses a changed certificate. If the new files cannot be used, the
 * old certificate stays in use, the log says so once, and `fault` has the error until the files are
 * repaired.
 */
export function watchCertificate(of: {
  files: CertificateFiles
  current: Certificate
  use: (next: Certificate) => void
  log: Pick<Logger, 'info' | 'warn' | 'error'>
  everyMs?: number
  /** How long to wait before the second try of files that cannot be used. */
  secondTryMs?: number
}): { stop(): Promise<void>; readonly fault: DescribedError | undefined } {
  const { files, use, log, everyMs = LOOK_EVERY_MS, secondTryMs = SECOND_TRY_MS } = of
  let { current } = of
  let fault: DescribedError | undefined
  const look = async (): Promise<void> => {
    try {
      const next = await readCertificate(files).catch(async () => {
        await sleep(secondTryMs)
        return await readCertificate(files)
      })
      fault = undefined
      if (next.cert.equals(current.cert) && next.key.equals(current.key)) return
      current = next
      use(next)
      log.info({ certificate: files.certificate }, 'the certificate was changed; the new one is in use')
    } catch (error) {
      const isKnown = fault?.message === describeError(error).message
      fault = describeError(error)
      if (isKnown) return
      log.error({ error }, 'the changed certificate cannot be used; the old one stays in use')
    }
  }
  const watching = repeatUntilStopped({
    work: async () => {
      await look()
      return undefined
    },
    everyMs,
    firstAfterMs: everyMs,
    log,
    failed: 'the certificate could not be checked',
  })
  return {
    stop: () => watching.stop(),
    get fault() {
      return fault
    },
  }
}
