import type { BackupSource, SourceFacts } from 'telegram-deployment-bot'
import type { ProofMode } from '#proof-mode.ts'

/** What is known of the zone in which a dump writes times; part of the record. */
export type TimeZones = {
  /** Likeliest first. */
  time_zones: string[]
  /** Whether it is the first of them. */
  is_time_zone_known: boolean
}

/**
 * The source, whose rows are hashed on their way if it is a plain dump of pg_dump: `contents.lines` of its
 * facts. For dumps that no session read beside pg_dump. Only sources with a descriptor have a thread that
 * reads them.
 */
export function withDumpLines(
  source: BackupSource,
  of: { proof: ProofMode; zones: TimeZones },
): BackupSource {
  const { archiveSource } = source
  const isWanted = of.proof === 'fast' || of.proof === 'sha256'
  // A stream on a socket has a descriptor, too.
  if (!isWanted || Symbol.asyncIterator in archiveSource || !('fd' in archiveSource)) return source
  let lines: SourceFacts | undefined
  return {
    ...source,
    archiveSource: {
      ...archiveSource,
      watch: {
        module: import.meta.resolve('#threads/dump-lines.ts'),
        task: of.zones,
        onEnd: found => {
          // Of our own thread.
          lines = found as SourceFacts | undefined
        },
      },
    },
    finish: async plainBytesRead => {
      const end = await source.finish(plainBytesRead)
      if (lines === undefined) return end
      const contents = { ...(end.facts?.['contents'] as SourceFacts | undefined), lines }
      return { ...end, facts: { ...end.facts, contents } }
    },
  }
}

/** For a dump that came from elsewhere: servers write times in UTC, or in the zone of their machine. */
export function likelyZones(): TimeZones {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone
  return { time_zones: [...new Set([own, 'UTC'])], is_time_zone_known: false }
}
