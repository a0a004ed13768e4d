import { CatalogError, FULL_DISK_HINT } from '#catalog-error.ts'
import { isDiskFull } from '#embedded/full-disk.ts'

/**
 * The error for a program of PostgreSQL that ended by itself, from its output. A full disk may leave none, so
 * the disk of `folder` is checked too.
 */
export function endedWith(program: string, output: string, folder: string): CatalogError {
  const lines = output.trim().split('\n')
  const reason = lines.findLast(line => /\b(FATAL|PANIC|error):/.test(line)) ?? lines.at(-1)
  const known = HINTS.find(([pattern]) => pattern.test(output))
  return new CatalogError(`${program} ended: ${reason || 'without a message'}`, {
    code: known?.[1] ?? 'CATALOG',
    hint: known?.[2] ?? (isDiskFull(folder) ? FULL_DISK_HINT : UNKNOWN_REASON_HINT),
  })
}

const UNKNOWN_REASON_HINT = 'Check free space and rights of the state folder, or set DATABASE_URL.'

const HINTS: [RegExp, 'CATALOG' | 'CONFIGURATION', string][] = [
  [/No space left on device|Disk quota exceeded/, 'CATALOG', FULL_DISK_HINT],
  [
    /could not look up effective user ID/,
    'CONFIGURATION',
    'This user id has no entry in /etc/passwd: add one, or set DATABASE_URL.',
  ],
  [
    /data directory .* has wrong ownership/,
    'CONFIGURATION',
    'Give the whole state folder to one user with chown -R, and run as that user.',
  ],
]
