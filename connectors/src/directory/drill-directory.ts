import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Member } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import { assertMayMakeDevices } from '#directory/devices.ts'
import { MemberHasher } from '#directory/member-hashes.ts'
import { asMember } from '#directory/members-of-tar.ts'
import { restoreDirectory } from '#directory/unpack/restore-directory.ts'
import { TarInspector } from '#directory/unpack/tar-inspector.ts'
import { type DirectoryTarget, inspectFolder } from '#directory/unpack/target-folder.ts'
import { type Difference, type Drill, type Drilled, type DrillPlace, difference } from '#drilling.ts'
import { forEachLine } from '#programs/lines.ts'
import { FilterProgram } from '#programs/piped-program.ts'
import { findTar, tarEnvironment } from '#programs/tar-program.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { OpenBytes } from '#restoring.ts'

type DirectoryDrill = Pick<Drill<DirectoryTarget>, 'open' | 'onRestored' | 'members' | 'scratch' | 'signal'>

/** The first differences are enough. */
const MOST_DIFFERENCES = 1_000

/** Throws `CONFIGURATION` without GNU tar, or without root for a backup with devices; `DISK_FULL`. */
export async function checkDirectoryDrill(
  backup: RecordedBackup,
  { scratch, signal }: Pick<DrillPlace, 'scratch' | 'signal'>,
): Promise<void> {
  assertMayMakeDevices(backup)
  await findTar(signal)
  await scratch.folder(backup.size, async () => {})
}

/**
 * Unpacks the tar file into a temporary folder, as a restore does. Then tar compares each member with the
 * disk (kind, size, contents, mode, time, and as root the owner), and the members are compared with the list
 * that the send made, their contents with their SHA-256 there. Throws what a restore throws.
 */
export async function drillDirectory(
  { size }: Pick<RecordedBackup, 'size'>,
  { open, scratch, signal, ...drill }: DirectoryDrill,
): Promise<Drilled> {
  const list = await drill.members()
  return await scratch.folder(size, async path => {
    const folder = await inspectFolder(join(path, 'restored'), { overwrite: false, sizeBytes: size })
    const { members } = await restoreDirectory(folder, open(signal), {
      // Only tar looks at the tree, which is then deleted.
      allow: ['outside-links', 'devices'],
      signal,
    })
    drill.onRestored?.()
    const differences = await compareTree(folder.path, { open, list, signal })
    return {
      where: 'a folder of its own',
      depth: 'contents',
      compared: { contents: differences.length === 0 ? 'equal' : 'different', members },
      not_covered: [],
      differences,
      notes:
        list === undefined
          ? ['The backup has no list of its members, so it was compared only with the tar file.']
          : [],
    }
  })
}

async function compareTree(
  tree: string,
  { open, list, signal }: { open: OpenBytes; list: Iterable<Member> | undefined; signal: AbortSignal },
): Promise<Difference[]> {
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
    { environment: tarEnvironment() },
  )
  const lines = Readable.from(program.pass(listed(open(signal), list, add))).setEncoding('latin1')
  await forEachLine(lines, line => hear(line, /.*/, add))
  const { exitCode, words } = await program.ended
  for (const line of words.split('\n')) hear(line.replace(/^\S*tar: /, ''), TROUBLES, add)
  if (signal.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
  if (exitCode === 0 || (exitCode === 1 && differences.length > 0)) return differences
  // Then the owners are all that differs, and only root can set those.
  if (exitCode === 1 && process.getuid?.() !== 0) return differences
  if (differences.length > 0) return differences
  throw new BackupError(`tar cannot compare the directory: ${words.split('\n')[0]?.slice(0, 500)}`, {
    code: 'EXTRACTION',
  })
}

/** What tar says of single members, among other things. */
const TROUBLES = /(differs?$|Cannot stat|Not linked to |No such file)/

/** Takes a line such as `path: Mode differs`. Owners count only as root, who alone can set them. */
function hear(line: string, words: RegExp, add: (one: Difference) => void): void {
  const [, path = '', found = ''] = /^(.+): (\S.*)$/.exec(line) ?? []
  if (path === '' || !words.test(found) || (/^[UG]id differs$/.test(found) && process.getuid?.() !== 0))
    return
  add(difference('member', Buffer.from(path, 'latin1').toString('utf8'), 'as in the backup', { found }))
}

/** Passes the bytes on, and compares their members with the list on the way. */
async function* listed(
  bytes: AsyncIterable<Buffer>,
  members: Iterable<Member> | undefined,
  add: (one: Difference) => void,
): AsyncGenerator<Buffer> {
  let found: Member[] = []
  const hasher = new MemberHasher((member, sha256) => {
    found.push({ ...asMember(member), sha256: sha256?.toString('hex') })
  })
  const inspector = new TarInspector(hasher)
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
      } else if (expected.sha256 !== undefined && expected.sha256 !== member.sha256) {
        const told = difference('member', member.path, `SHA-256 ${expected.sha256}`, {
          found: `SHA-256 ${member.sha256}`,
        })
        add({ ...told, change: 'changed' })
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
