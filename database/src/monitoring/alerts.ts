import type { Database } from '#database.ts'
import type { Alert } from '#monitoring/types.alert.ts'

/** All open alerts, oldest first. */
export async function openAlerts(database: Database): Promise<Alert[]> {
  return await database.kysely
    .selectFrom('alerts')
    .select(['key', 'kind', 'details', 'since', 'seen_at', 'told_at'])
    .orderBy('since')
    .orderBy('key')
    .execute()
}
