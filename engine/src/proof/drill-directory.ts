import { join } from 'node:path'
import type { Member } from '@telegram-backup/archive'
import { asMember } from '@telegram-backup/connectors/directory/members-of-tar.ts'
import { findTar, tarEnvironment } from '@telegram-backup/connectors/directory/tar-program.ts'
import { restoreDirectory } from '@telegram-backup/connectors/directory/unpack/restore-directory.ts'
import { TarInspector } from '@telegram-backup/connectors/directory/unpack/tar-inspector.ts'
import { inspectFolder } from '@telegram-backup/connectors/directory/unpack/target-folder.ts'
import { type Difference, difference } from '@telegram-backup/connectors/postgres/compare-contents.ts'
import type { OpenBytes } from '@telegram-backup/connectors/postgres/restore/restore-database.ts'
import { FilterProgram } from '@telegram-backup/connectors/programs/filter-program.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { missingWords } from '@telegram-backup/database/missing-files'
import { BackupError } from '@telegram-backup/errors'
import type { Drilled } from '#proof/drill-report.ts'
import { inOwnFolder } from '#proof/own-server.ts'

/** A drill of a directory. */
export interface DirectoryDrill {
  backup: Pick<BackupDetails, 'id' | 'size' | 'source'>
  open: OpenBytes
  /** What lies where in the tar file, as the send has recorded it; undefined where it has not. */
  members: Iterable<Member> | undefined
  stateFolder: string
  signal: AbortSignal
}

/** A tree of which much is wrong is told by its first paths. */
const MOST_DIFFERENCES = 1_000

/**
 * Unpacks the tar file into a folder that is deleted again, as a restore does. Then all of it is read once more, and tar
 * compares each member with what lies on the disk: kind, size, contents, mode, time, and as root the owner; its members
 * are held against the list that was made at the send. Throws what a restore throws.
 */
export async function drillDirectory(drill: DirectoryDrill): Promise<Drilled> {
  const { backup, open, stateFolder, signal } = drill
  return await inOwnFolder({ stateFolder, sizeBytes: backup.size }, async scratch => {
    const folder = await inspectFolder(join(scratch.path, 'restored'), {
      overwrite: false,
      sizeBytes: backup.size,
    })
    const { members } = await restoreDirectory(folder, open(signal), {
      // The tree is looked at by tar alone, and goes again.
      allow: ['outside-links', 'devices'],
      signal,
    })
    const differences = await compareTree(drill, folder.path)
    return { where: 'a folder of its own', compared: { members }, differences, notes: notesOf(drill) }
  })
}

function notesOf({ backup, members }: DirectoryDrill): string[] {
  const missing = missingWords(backup)
  return [
    ...(members === undefined
      ? ['There is no list of its members to compare with; the tar file itself was.']
      : []),
    ...(missing === undefined ? [] : [`The backup itself is not whole: ${missing} from the start`]),
  ]
}

async function compareTree({ open, members, signal }: DirectoryDrill, tree: string): Promise<Difference[]> {
  const tar = await findTar(signal)
  const differences: Difference[] = []
  const add = (one: Difference): void => {
    if (differences.length < MOST_DIFFERENCES) differences.push(one)
  }
  const program = new FilterProgram(
    tar.program,
    [
      '--compare',
      '--file=-',
      `--directory=${tree}`,
      ...(tar.keepsAttributes ? ['--acls', '--xattrs', '--xattrs-include=*'] : []),
    ],
    tarEnvironment(),
  )
  let rest = ''
  for await (const chunk of program.pass(listed(open(signal), members, add))) {
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) hear(line, /.*/, add)
  }
  const { exitCode, words } = await program.ended
  for (const line of words.split('\n')) hear(line.replace(/^\S*tar: /, ''), TROUBLES, add)
  if (signal.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
  if (exitCode === 0 || (exitCode === 1 && differences.length > 0)) return differences
  // Owners that nobody but root can give are all it has to say then.
  if (exitCode === 1 && process.getuid?.() !== 0) return differences
  if (differences.length > 0) return differences
  throw new BackupError(`tar cannot compare the directory: ${words.split('\n')[0]?.slice(0, 500)}`, {
    code: 'EXTRACTION',
  })
}

/** What tar says of single members where it says other things as well. */
const TROUBLES = /(differs?$|Cannot stat|Not linked to |No such file)/

/** `path: Mode differs`, as tar says it; nobody but root can give a file to somebody else. */
function hear(line: string, words: RegExp, add: (one: Difference) => void): void {
  const [, path = '', found = ''] = /^(.+): (\S.*)$/.exec(line) ?? []
  if (path === '' || !words.test(found) || (/^[UG]id differs$/.test(found) && process.getuid?.() !== 0))
    return
  add(difference('member', Buffer.from(path, 'latin1').toString('utf8'), 'as in the backup', { found }))
}

/** The bytes as they are; their members are held against the list on the way. */
async function* listed(
  bytes: AsyncIterable<Buffer>,
  members: Iterable<Member> | undefined,
  add: (one: Difference) => void,
): AsyncGenerator<Buffer> {
  let found: Member[] = []
  const inspector = new TarInspector({ check: member => found.push(asMember(member)) > 0 })
  const list = members?.[Symbol.iterator]()
  for await (const chunk of bytes) {
    inspector.inspect(chunk)
    for (const member of list === undefined ? [] : found) {
      const next = (list as Iterator<Member>).next()
      const expected: Member | undefined = next.done ? undefined : next.value
      if (expected === undefined || !isSame(expected, member)) {
        add(
          difference('member', member.path, expected === undefined ? 'not in the list' : shown(expected), {
            found: shown(member),
          }),
        )
      }
    }
    found = []
    yield chunk
  }
  inspector.finish()
  for (let next = list?.next(); next !== undefined && !next.done; next = list?.next()) {
    add(difference('member', next.value.path, shown(next.value), { found: 'not in the tar file' }))
  }
}

function isSame(a: Member, b: Member): boolean {
  return a.path === b.path && a.offset === b.offset && a.size === b.size && a.kind === b.kind
}

function shown({ kind, size, path }: Member): string {
  return kind === 'file' ? `a file of ${size} bytes, ${path}` : `a ${kind}, ${path}`
}
