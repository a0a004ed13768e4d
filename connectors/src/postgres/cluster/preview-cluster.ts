import type { BackupType } from 'telegram-deployment-bot'
import { checkCluster } from '#postgres/cluster/cluster-check.ts'
import { listCluster } from '#postgres/cluster/cluster-members.ts'
import type { ClusterChoice } from '#postgres/cluster-settings.ts'
import { previewDatabase } from '#postgres/dump/preview-database.ts'
import type { PostgresChoice } from '#postgres/settings.ts'
import type { SourcePreview } from '#preview.ts'

/** The databases together; the globals are small. Throws what a backup of one of them would throw. */
export async function previewCluster(
  choice: ClusterChoice,
  of: { type: BackupType; signal: AbortSignal },
): Promise<SourcePreview> {
  await checkCluster(choice, of)
  const members = await listCluster(choice, of.signal)
  const databases = members.filter(({ choice: { kind } }) => kind === 'postgres')
  let bytes: number | undefined = 0
  let sizeBytes = 0
  for (const { choice: member } of databases) {
    const seen = await previewDatabase(member as PostgresChoice, of)
    bytes = bytes === undefined || seen.bytes === undefined ? undefined : bytes + seen.bytes
    sizeBytes += seen.database?.sizeBytes ?? 0
  }
  return {
    filename: `globals.sql, and a dump of each of ${databases.length} databases`,
    bytes,
    isExact: false,
    database: { sizeBytes, tables: undefined },
  }
}
