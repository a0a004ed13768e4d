import { constants } from 'node:os'

/** Hints for common system errors. */
const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such file or folder; check the path.',
  ENOTDIR: 'A part of the path is a file, not a folder; check the path.',
  EISDIR: 'The path names a folder; give the file in it.',
  EACCES: 'This user has no permission; check the owner and the mode of the file and its folders.',
  EPERM: 'This user has no permission; check the owner and the mode of the file and its folders.',
  EROFS: 'The file system is read-only; choose another path.',
  ENOSPC: 'The disk is full; free some space and try again.',
  EDQUOT: "This user's disk quota is used up; free some space and try again.",
  EIO: 'The disk or its connection is failing; look into the log of the system.',
  EMFILE: 'This process has too many open files; raise the limit (ulimit -n).',
}

/** The name of a system error, as ` (ENOENT)`; empty for others. Its message may hold paths. */
export function systemErrorSuffix(error: unknown): string {
  const name = nameOf(error)
  return name === undefined ? '' : ` (${name})`
}

/** Undefined for other errors, and those without a hint. */
export function systemErrorHint(error: unknown): string | undefined {
  const name = nameOf(error)
  return name === undefined ? undefined : HINTS[name]
}

function nameOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && Object.hasOwn(constants.errno, code) ? code : undefined
}
