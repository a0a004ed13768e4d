import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import type { CertificateFiles } from '@telegram-backup/engine/config/http-settings.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { repeatUntilStopped } from '@telegram-backup/engine/repeat-until-stopped.ts'
import { BackupError, type DescribedError, describeError } from '@telegram-backup/errors'

/** What a server proves itself with. */
export interface Certificate {
  cert: Buffer
  key: Buffer
}

const OTHERS = 0o007
const GROUP_WRITES = 0o020
/** Certificates are smaller; another file is none. */
const MOST_BYTES = 1024 * 1024
const LOOK_EVERY_MS = 5_000
/** Whoever writes both files may be between them. */
const SETTLE_MS = 500

/**
 * Reads both. Throws `CONFIGURATION` for files that cannot be read, that do not belong together, and for a key that others can read or its
 * group can change.
 */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const cert = await read('certificate', files.certificate, async () => {})
  const key = await read('key of the certificate', files.key, assertPrivate)
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw new BackupError(`No TLS with ${files.certificate} and ${files.key}: ${wordsOf(cause)}`, {
      code: 'CONFIGURATION',
      hint: 'Give the certificate (with those between it and its authority) and the key that belongs to it, both as PEM, the key without a passphrase.',
      cause,
    })
  }
  return { cert, key }
}

/** The library names its own source lines besides. */
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
    // What is no file, such as a FIFO, is not waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await file.stat()
    if (!stats.isFile() || stats.size > MOST_BYTES) {
      throw new BackupError(`${path} is no ${noun}`, { code: 'CONFIGURATION', hint: 'Give a PEM file.' })
    }
    await check(file, path)
    return await file.readFile()
  } catch (cause) {
    if (cause instanceof BackupError) throw cause
    throw new BackupError(`The ${noun} ${path} cannot be read (${describeError(cause).code})`, {
      code: 'CONFIGURATION',
      hint: 'See whether the file is there, and whether the user of the service may read it.',
      cause,
    })
  } finally {
    await file?.close()
  }
}

async function assertPrivate(file: FileHandle, path: string): Promise<void> {
  const { mode } = await file.stat()
  // The group may read it: that is how a certificate's keeper hands it to a service.
  if ((mode & (OTHERS | GROUP_WRITES)) === 0) return
  throw new BackupError(`Others can read or change the key ${path}`, {
    code: 'CONFIGURATION',
    hint: `If you trust it still: chmod 600 ${path}`,
  })
}

/**
 * Looks every few seconds whether the files hold something else, and has it used from then on. What cannot be used changes nothing: it is told to
 * the log once, and is the `fault` until it is mended; what was there before is used on.
 */
export function watchCertificate(of: {
  files: CertificateFiles
  current: Certificate
  use: (next: Certificate) => void
  log: Pick<Logger, 'info' | 'warn' | 'error'>
  /** For tests; how often to look, and how long to wait before a fault is believed. */
  everyMs?: number
  settleMs?: number
}): { stop(): Promise<void>; readonly fault: DescribedError | undefined } {
  const { files, use, log, everyMs = LOOK_EVERY_MS, settleMs = SETTLE_MS } = of
  let { current } = of
  let fault: DescribedError | undefined
  const look = async (): Promise<void> => {
    try {
      const next = await readCertificate(files).catch(async () => {
        await sleep(settleMs)
        return await readCertificate(files)
      })
      fault = undefined
      if (next.cert.equals(current.cert) && next.key.equals(current.key)) return
      current = next
      use(next)
      log.info({ certificate: files.certificate }, 'the certificate was changed, and is in use')
    } catch (error) {
      const isKnown = fault?.message === describeError(error).message
      fault = describeError(error)
      if (isKnown) return
      log.error({ error }, 'the certificate cannot be used as it is now; the one before is used on')
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
    failed: 'the certificate was not looked at',
  })
  return {
    stop: () => watching.stop(),
    get fault() {
      return fault
    },
  }
}
