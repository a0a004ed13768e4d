import { ArchiveError } from '#archive-error.ts'

const GROUP_WRITES = 0o020
const OTHERS_READ_OR_WRITE = 0o006

/**
 * A key that others can read or replace proves nothing. Its group may read it: orchestrators pass secrets so.
 * @param file owner and mode of the open file
 * @param userId of this process; 0 accepts any owner, undefined checks nothing
 * @throws ArchiveError `CONFIGURATION` when another user than this one or root owns the file, its group can
 * write, or others can read or write
 */
export function assertSafeFromOthers(
  path: string,
  file: { uid: number; mode: number },
  userId: number | undefined,
): void {
  if (userId === undefined) return
  if (userId !== 0 && file.uid !== 0 && file.uid !== userId) {
    throw new ArchiveError(`The signing key ${path} belongs to another user`, {
      code: 'CONFIGURATION',
      hint: `If you trust it: chown ${userId} ${path}`,
    })
  }
  if ((file.mode & (GROUP_WRITES | OTHERS_READ_OR_WRITE)) !== 0) {
    throw new ArchiveError(`Others can read or change the signing key ${path}`, {
      code: 'CONFIGURATION',
      hint: `If you trust it still: chmod 600 ${path}`,
    })
  }
}
