import { accessSync, constants } from 'node:fs'
import { type Member, memberPathBytes } from '@telegram-backup/archive'
import type { SkippedFile } from '#allowances.ts'
import { openDirectorySource } from '#directory/pack/tar-source.ts'
import type { DirectoryChoice, DirectoryOptions } from '#directory/settings.ts'
import type { PreviewCounts, SourcePreview } from '#preview.ts'

/**
 * What a backup of the directory would hold. tar walks it as for a backup, but reads no file. Throws what a
 * backup would throw, also for a file that may not be read.
 */
export async function previewDirectory(
  { path, options }: DirectoryChoice,
  { signal }: { signal: AbortSignal },
): Promise<SourcePreview> {
  const found = await measure(path, options, { signal, checks: true })
  const isSelection = options.exclude.length > 0 || options.logs !== undefined
  // Everything, to count what is left out; what it cannot read is no concern of the backup.
  const everything: DirectoryOptions = {
    ...{ exclude: [], oneFileSystem: options.oneFileSystem, proof: options.proof, mayGrow: options.mayGrow },
    allow: ['unreadable', 'vanished', 'changed', 'empty'],
  }
  const all = isSelection ? await measure(path, everything, { signal, checks: false }) : found
  return {
    filename: found.filename,
    bytes: found.bytes,
    isExact: true,
    counts: found.counts,
    leftOut: {
      files: all.counts.files - found.counts.files,
      directories: options.logs ? 0 : all.counts.directories - found.counts.directories,
      bytes: all.counts.bytes - found.counts.bytes,
    },
    skipped: found.skipped,
  }
}

interface Measured {
  filename: string
  skipped: readonly SkippedFile[]
  /** Of the tar file. */
  bytes: number
  counts: PreviewCounts
}

async function measure(
  path: string,
  options: DirectoryOptions,
  { signal, checks }: { signal: AbortSignal; checks: boolean },
): Promise<Measured> {
  const counts = { files: 0, directories: 0, bytes: 0 }
  let bytes = 0
  const source = await openDirectorySource(path, {
    ...{ ...options, signal },
    measure: {
      take: member => {
        if (member.kind === 'file') counts.files++
        if (member.kind === 'directory') counts.directories++
        counts.bytes += member.size
        return !checks || isReadable(path, member)
      },
      onTotal: total => {
        bytes = total
      },
    },
  })
  try {
    await source.finish(0)
    return { filename: source.filename, bytes, counts, skipped: source.skipped }
  } finally {
    await source.close()
  }
}

/** Whether tar could open it; a file that vanished meanwhile counts as readable. */
function isReadable(directory: string, { kind, path }: Member): boolean {
  if (kind !== 'file') return true
  try {
    accessSync(Buffer.concat([Buffer.from(`${directory}/`), memberPathBytes(path)]), constants.R_OK)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
