import { MemberIndexWriter } from '@telegram-backup/archive'
import type { BackupSource, SourceFacts } from 'telegram-deployment-bot'
import { BackupError } from '#lib/backups/backup-error.ts'
import { startChild } from '#sources/child-output.ts'
import type { Allowance, SkippedFile } from '#sources/directory/allowances.ts'
import { assertReadableDirectory, tarFileName } from '#sources/directory/directory-checks.ts'
import { findLogFiles, type LogSelection } from '#sources/directory/log-files.ts'
import { parseMemberLine } from '#sources/directory/member-lines.ts'
import { findTar, type TarProgram, tarEnvironment } from '#sources/directory/tar-program.ts'
import { TarReport } from '#sources/directory/tar-report.ts'

/** How a directory is backed up. */
export interface DirectoryOptions {
  /** tar's patterns: `*` also matches a slash; one matches whole path components, anywhere, or from the top with `./`. */
  exclude: readonly string[]
  oneFileSystem: boolean
  allow: readonly Allowance[]
  /** Of logs: a file that only grew while it was read is whole up to where reading began. */
  mayGrow: boolean
  /** Only these files, and no folders. */
  logs?: LogSelection | undefined
}

/** A tar at work. */
export interface DirectorySource extends BackupSource {
  /** After `finish`: the files that are missing or torn, all of them allowed. */
  readonly skipped: readonly SkippedFile[]
}

/** Of the files that are missing or torn, how many the record names; all are counted. */
const MAX_RECORDED = 1_000

/**
 * Starts GNU tar on a directory. What it could not read as it was makes `finish` throw `SOURCE`, unless it is allowed
 * by name. Throws `INVALID` for a path that is no readable directory, `CONFIGURATION` without GNU tar, `SOURCE` when no
 * log file is selected.
 */
export async function openDirectorySource(
  path: string,
  options: DirectoryOptions & { signal?: AbortSignal | undefined },
): Promise<DirectorySource> {
  const { logs, allow, mayGrow, signal } = options
  await assertReadableDirectory(path)
  const [tar, files] = await Promise.all([findTar(signal), logs && findLogFiles(path, logs)])
  if (files?.names.length === 0 && !allow.includes('empty')) {
    throw new BackupError(`No log file in ${path} is selected`, {
      code: 'SOURCE',
      hint: 'Check --include and --since; --allow empty takes nothing for an answer.',
    })
  }
  const report = new TarReport({ directory: path, allowed: allow, mayGrow })
  for (const folder of files?.skipped ?? []) report.skip(folder)
  const contents = new Contents(report)
  const startedAt = new Date()
  const child = await startChild({
    program: tar.program,
    args: tarArguments(path, options, tar),
    env: tarEnvironment(),
    encoding: 'latin1',
    onErrorLine: line => {
      report.hear(line)
      // Not another terabyte for a backup that will be taken back.
      if (report.isHopeless) child.stop()
    },
    onSideLine: line => contents.hear(line),
    ...(files ? { input: Buffer.concat(files.names.flatMap(name => [name, Buffer.from([0])])) } : {}),
  })
  return {
    archiveSource: { fd: child.fd },
    filename: tarFileName(path),
    sizeBytes: undefined,
    facts: {
      kind: 'directory',
      path,
      exclude: options.exclude,
      ...(logs ? { include: logs.include, since: logs.since?.toISOString() ?? null } : {}),
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
      return contents.finish(report)
    },
    close: () => child.close(),
  }
}

function tarArguments(path: string, options: DirectoryOptions, tar: TarProgram): string[] {
  return [
    '--create',
    '--file=-',
    '--format=posix',
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
    `--directory=${path}`,
    ...(options.logs
      ? ['--no-recursion', '--null', '--verbatim-files-from', '--files-from=-']
      : ['--sort=name', '.']),
  ]
}

/** Counts what tar put into the backup, and notes where. */
class Contents {
  readonly #report: TarReport
  readonly #index = new MemberIndexWriter()
  #files = 0
  #directories = 0
  #bytes = 0
  #isIndexed = true

  constructor(report: TarReport) {
    this.#report = report
  }

  hear(line: string): void {
    const member = parseMemberLine(line)
    if (member === undefined) {
      this.#isIndexed = false
      return
    }
    this.#index.add(member)
    this.#report.add(member)
    if (member.kind === 'file') this.#files += 1
    if (member.kind === 'directory') this.#directories += 1
    this.#bytes += member.size
  }

  finish(report: TarReport): Awaited<ReturnType<BackupSource['finish']>> {
    const { skipped, skippedCount, notes } = report
    const members = this.#isIndexed ? this.#index.finish() : undefined
    const facts: SourceFacts = {
      files: this.#files,
      directories: this.#directories,
      bytes: this.#bytes,
      ended_at: new Date().toISOString(),
      skipped_count: skippedCount,
      skipped: skipped.slice(0, MAX_RECORDED).map(({ path, reason }) => ({ path, reason })),
      ...(notes.length > 0 ? { warnings: notes } : {}),
    }
    return members ? { facts, members } : { facts }
  }
}
