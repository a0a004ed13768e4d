import { BackupError } from '@telegram-backup/errors'
import type { Connector, OpenedSource, OpenOptions, SourceChoice } from '#connector.ts'
import { DIRECTORY } from '#directory/directory-connector.ts'
import type { DirectorySettings } from '#directory/settings.ts'
import { CLUSTER } from '#postgres/cluster-connector.ts'
import type { ClusterSettings } from '#postgres/cluster-settings.ts'
import { POSTGRES } from '#postgres/postgres-connector.ts'
import type { PostgresSettings } from '#postgres/settings.ts'
import type { RecordedBackup } from '#recorded-backup.ts'
import type { RestoreConnector, RestoreTarget } from '#restoring.ts'
import type { FileSettings, StdinSettings } from '#stream/settings.ts'
import { FILE, STDIN } from '#stream/stream-connectors.ts'

export interface PlaceSettings
  extends FileSettings,
    PostgresSettings,
    ClusterSettings,
    DirectorySettings,
    StdinSettings {}

/** Any kind. A choice or target goes back only to the connector that made it. */
export type AnyConnector = Connector<SourceChoice, RestoreTarget, PlaceSettings>

/** All kinds of source. A new kind is a folder, and a line here. */
export const CONNECTORS: readonly AnyConnector[] = [FILE, POSTGRES, CLUSTER, DIRECTORY, STDIN]

/** The connector that made this choice or target. */
export function connectorOf({ kind }: SourceChoice | RestoreTarget): AnyConnector {
  const connector = recordedKind({ kind })
  if (connector === undefined) throw new TypeError(`No connector is of the kind ${kind}`)
  return connector
}

export function restoreOf(target: RestoreTarget): RestoreConnector {
  const { restore } = connectorOf(target)
  if (restore === undefined) throw new TypeError(`Nothing is restored into the kind ${target.kind}`)
  return restore
}

/** Undefined for `pipe`, `buffer` and `stream` of the library, and kinds of a newer version. */
export function recordedKind(
  facts: { readonly kind?: unknown } | null | undefined,
): AnyConnector | undefined {
  return CONNECTORS.find(({ kind }) => kind === facts?.kind)
}

/** By its record, or else by its file name, such as `.tar`; undefined if only a person can tell. */
export function restoringConnector(backup: {
  source: RecordedBackup['source']
  filename: string | null | undefined
}): AnyConnector | undefined {
  const recorded = recordedKind(backup.source)
  if (recorded?.restore !== undefined) return recorded
  return CONNECTORS.find(({ restore }) => restore?.claims?.test(backup.filename ?? ''))
}

/** The caller, or the send that gets it, closes it. Throws what its kind throws, or `CANCELLED`. */
export async function openSource(choice: SourceChoice, options: OpenOptions): Promise<OpenedSource> {
  try {
    return await connectorOf(choice).open(choice, options)
  } catch (error) {
    throw options.signal?.aborted ? new BackupError('Cancelled', { code: 'CANCELLED', cause: error }) : error
  }
}
