import { sql } from 'kysely'
import type { Database } from '#database.ts'
import { checkCount, isUuid } from '#input-checks.ts'
import type { BackupType, Verification, VerificationKind, VerificationState } from '#jobs/types.backup.ts'

/** A verification, and which backup it is of. */
export interface ListedVerification extends Verification {
  project_id: string
  type: BackupType
  source_name: string | null
}

/** Which verifications; an absent field matches everything. */
export interface VerificationFilter {
  projectId?: string | undefined
  backupId?: string | undefined
  /** Of backups of this source. */
  sourceName?: string | undefined
  kind?: VerificationKind | undefined
  state?: VerificationState | undefined
  /** Only those that come after this one in the list; `createdAt` is its beginning. */
  after?: { createdAt: Date; id: string } | undefined
  /** At most so many. */
  limit: number
}

/** The owner of a database decides how long the report of a drill is; hundreds would fill the memory. */
const MOST_BYTES_OF_REPORTS = 4 * 1024 * 1024

/**
 * One page of verifications, the newest beginning first, and whether more follow. The page ends early after
 * the one with which reports and findings exceed 4 MiB.
 */
export async function pageVerifications(
  { kysely }: Database,
  filter: VerificationFilter,
): Promise<{ verifications: ListedVerification[]; hasMore: boolean }> {
  checkCount('limit', filter.limit, 1)
  const { projectId, backupId, sourceName, kind, state, after, limit } = filter
  if (backupId !== undefined && !isUuid(backupId)) return { verifications: [], hasMore: false }
  const given = (condition: ReturnType<typeof sql>, value: unknown) =>
    value === undefined ? sql`true` : condition
  const { rows } = await sql<ListedVerification & { listed: number; bytes_before: number }>`
    with page as materialized (
      select ${OWN}, ${OF_BACKUP}
        from control_plane.verifications verification
        join control_plane.backups backup on backup.id = verification.backup_id
       where ${given(sql`backup.project_id = ${projectId}`, projectId)}
         and ${given(sql`verification.backup_id = ${backupId}::uuid`, backupId)}
         and ${given(sql`backup.source_name = ${sourceName}`, sourceName)}
         and ${given(sql`verification.kind = ${kind}`, kind)}
         and ${given(sql`verification.state = ${state}`, state)}
         and ${given(sql`(verification.started_at, verification.id) < (${after?.createdAt}, ${after?.id}::uuid)`, after)}
       order by verification.started_at desc, verification.id desc limit ${limit + 1}),
    sized as (
      select page.*, count(*) over () as listed,
             coalesce(sum(coalesce(octet_length(report::text), 0) + octet_length(findings::text))
               over (order by started_at desc, id desc rows between unbounded preceding and 1 preceding), 0) as bytes_before
        from page)
    select * from sized where bytes_before < ${MOST_BYTES_OF_REPORTS}
     order by started_at desc, id desc limit ${limit}
  `.execute(kysely)
  const verifications = rows.map(({ listed: _, bytes_before: __, ...verification }) => verification)
  return { verifications, hasMore: verifications.length < (rows[0]?.listed ?? 0) }
}

const OWN = sql.raw('verification.*')
const OF_BACKUP = sql.raw('backup.project_id, backup.type, backup.source_name')

/** One verification; null for an unknown id or one that is no UUID. */
export async function getVerification({ kysely }: Database, id: string): Promise<ListedVerification | null> {
  if (!isUuid(id)) return null
  const { rows } = await sql<ListedVerification>`
    select ${OWN}, ${OF_BACKUP}
      from control_plane.verifications verification
      join control_plane.backups backup on backup.id = verification.backup_id
     where verification.id = ${id}::uuid
  `.execute(kysely)
  return rows[0] ?? null
}
