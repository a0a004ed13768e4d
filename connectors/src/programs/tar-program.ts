import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { BackupError } from '@telegram-backup/errors'
import { bareEnvironment } from '#programs/environment.ts'

export interface TarProgram {
  program: string
  version: string
  /** Whether it was built to keep ACLs and extended attributes. */
  keepsAttributes: boolean
}

/** The names of GNU tar on Linux, and on systems with another tar. */
const NAMES = ['tar', 'gtar', 'gnutar']

/** The first version with `--sort`. */
const OLDEST_VERSION = 1.28

/** Finds GNU tar, the only one that reports offsets and unreadable files. Throws `CONFIGURATION`. */
export async function findTar(signal?: AbortSignal): Promise<TarProgram> {
  for (const program of NAMES) {
    const words = await run(program, ['--version'], signal)
    const version = /^tar \(GNU tar\) (\d+\.\d+)/.exec(words ?? '')?.[1]
    if (version === undefined || asNumber(version) < asNumber(String(OLDEST_VERSION))) continue
    const attributes = await run(
      program,
      ['--acls', '--xattrs', '--create', '--file=/dev/null', '--files-from=/dev/null'],
      signal,
    )
    return { program, version, keepsAttributes: attributes !== undefined }
  }
  signal?.throwIfAborted()
  throw new BackupError(`GNU tar ${OLDEST_VERSION} or newer is not installed`, {
    code: 'CONFIGURATION',
    hint: 'The tar of BusyBox, BSD and macOS does not report which files it left out. Install GNU tar, for example: apt-get install tar, apk add tar, brew install gnu-tar.',
  })
}

/** The environment of a tar whose messages we read; without the user's TAR_OPTIONS. */
export function tarEnvironment(): Record<string, string> {
  return { ...bareEnvironment(), LC_ALL: 'C', TZ: 'UTC0' }
}

/** Its output; undefined when it cannot be run, fails, or writes to stderr. */
async function run(
  program: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const answer = await promisify(execFile)(program, args, {
    env: tarEnvironment(),
    timeout: 10_000,
    signal,
  }).catch(() => undefined)
  return answer?.stderr === '' ? answer.stdout : undefined
}

/** `1.28` as 1028, for comparing. */
function asNumber(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major * 1000 + minor
}
