import { type Member, type PlainWatch, shownName } from '@telegram-backup/archive'
import { BackupError, hint, option } from '@telegram-backup/errors'
import type { BackupSource, SourceFacts } from 'telegram-deployment-bot'
import type { SkippedFile } from '#allowances.ts'
import { assertReadableDirectory, tarFileName } from '#directory/pack/directory-checks.ts'
import { findLogFiles } from '#directory/pack/log-files.ts'
import { NAMED_FILES_ARGUMENTS, nameFiles } from '#directory/pack/named-files.ts'
import { TarContents } from '#directory/pack/tar-contents.ts'
import { TarReport } from '#directory/pack/tar-report.ts'
import type { DirectoryOptions } from '#directory/settings.ts'
import { startChild } from '#programs/child-output.ts'
import { findTar, type TarProgram, tarEnvironment } from '#programs/tar-program.ts'

export interface DirectorySource extends BackupSource {
  /** The files that are missing or torn, all of them allowed. Complete after `finish`. */
  readonly skipped: readonly SkippedFile[]
}

/** Counts what a backup would hold; tar then reads no file, and writes nothing. */
export interface TarMeasure {
  /** False for a file that may not be read: a backup would find that out. */
  take(member: Member): boolean
  /** The size of the tar file. */
  onTotal(bytes: number): void
}

/** Most of these files that the record names; all are counted. */
const MAX_RECORDED = 1_000

/**
 * Starts GNU tar on a directory. `finish` throws `SOURCE` for files that were not read as they were, unless
 * that is allowed by name. Throws `INVALID` for a path that is no readable directory, `CONFIGURATION` without
 * GNU tar, `SOURCE` when no log file is selected.
 */
export async function openDirectorySource(
  path: string,
  options: DirectoryOptions & { signal?: AbortSignal | undefined; measure?: TarMeasure },
): Promise<DirectorySource> {
  const { logs, allow, mayGrow, signal, measure } = options
  await assertReadableDirectory(path)
  const tar = await findTar(signal)
  const files = logs && (await findLogFiles(path, logs, signal))
  if (files?.folders.length === 0 && !allow.includes('empty')) {
    throw new BackupError(`No log file in ${path} is selected`, {
      code: 'SOURCE',
      hint: hint`Check ${option('include')} and ${option('since')}; ${option('allow', 'empty')} accepts an empty selection.`,
    })
  }
  const report = new TarReport({ directory: path, allowed: allow, mayGrow })
  for (const folder of files?.skipped ?? []) report.skip(folder)
  const contents = new TarContents()
  const startedAt = new Date()
  const named = files && (await nameFiles(files.folders))
  const child = await startChild({
    program: tar.program,
    args: tarArguments(path, options, tar),
    env: tarEnvironment(),
    encoding: 'latin1',
    onErrorLine: line => {
      const total = measure && TOTAL.exec(line)?.[1]
      if (total !== undefined) return measure?.onTotal(Number(total))
      report.hear(line)
      // The backup has failed; what tar would still write is wasted.
      if (report.isHopeless) child.stop()
    },
    onSideLine: line => {
      const member = contents.hear(line)
      if (member === undefined) return
      report.add(member)
      if (measure?.take(member) === false) report.skip({ path: shownName(member.path), reason: 'unreadable' })
    },
    ...(named ? { input: named.list, handles: named.handles } : {}),
  }).catch(async error => {
    await named?.remove()
    throw error
  })
  named?.letGo()
  let hashes: Uint8Array | undefined
  const isHashed = options.proof === 'fast' || options.proof === 'sha256'
  const watch: PlainWatch = {
    module: import.meta.resolve('#threads/member-hashes.ts'),
    task: undefined,
    onEnd: found => {
      if (found instanceof ArrayBuffer) hashes = new Uint8Array(found)
    },
  }
  return {
    archiveSource: { fd: child.fd, watch: isHashed ? watch : undefined },
    filename: tarFileName(path),
    sizeBytes: undefined,
    facts: {
      kind: 'directory',
      path,
      exclude: [...options.exclude],
      ...(logs ? { include: [...logs.include], since: logs.since?.toISOString() ?? null } : {}),
      one_file_system: options.oneFileSystem,
      tar_version: tar.version,
      attributes_kept: tar.keepsAttributes,
      started_at: startedAt.toISOString(),
    },
    get skipped() {
      return report.skipped
    },
    finish: async () => {
      report.judge(await child.ended)
      const members = contents.finishIndex(hashes)
      const facts: SourceFacts = {
        ...contents.counts,
        ...contents.links,
        ...contents.devices,
        ended_at: new Date().toISOString(),
        ...factsOf(report),
      }
      return members ? { facts, members } : { facts: { ...facts, indexed: false } }
    },
    close: async () => {
      await child.close()
      await named?.remove()
    },
  }
}

/** tar's last line with `--totals`. */
const TOTAL = /^Total bytes written: (\d+) /

function tarArguments(
  path: string,
  options: DirectoryOptions & { measure?: TarMeasure },
  tar: TarProgram,
): string[] {
  return [
    '--create',
    // GNU tar knows this file, and reads no contents for it.
    ...(options.measure === undefined ? ['--file=-'] : ['--file=/dev/null', '--totals']),
    '--format=posix',
    // 64 KiB, as much as a pipe takes: tar's own 10 KiB make it 2.6 times slower.
    '--blocking-factor=128',
    '--sparse',
    ...(tar.keepsAttributes ? ['--acls', '--xattrs'] : []),
    '--index-file=/dev/fd/3',
    '--verbose',
    '--verbose',
    '--block-number',
    '--full-time',
    '--quoting-style=c',
    ...(options.oneFileSystem ? ['--one-file-system'] : []),
    ...options.exclude.map(pattern => `--exclude=${pattern}`),
    ...(options.logs ? NAMED_FILES_ARGUMENTS : [`--directory=${path}`, '--sort=name', '.']),
  ]
}

function factsOf({ skipped, skippedCount, notes }: TarReport): SourceFacts {
  return {
    skipped_count: skippedCount,
    skipped: skipped.slice(0, MAX_RECORDED).map(({ path, reason }) => ({ path, reason })),
    ...(notes.length > 0 ? { warnings: notes } : {}),
  }
}
