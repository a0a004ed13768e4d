import { bucketHealth } from '@telegram-backup/database'
import { mayOpenBackups } from '#config/drill-wishes.ts'
import type { CheckScope, Finding } from '#doctor/check.ts'
import { bucketConditions } from '#monitoring/bucket-conditions.ts'
import { problemText } from '#monitoring/condition-texts.ts'
import { count } from '#units/human-units.ts'
import { openCatalog } from '#wiring.ts'

/** Whether a `serve` here can read the buckets, and what is wrong with them. Undefined without any. */
export async function checkBuckets({ config, signal }: CheckScope): Promise<Finding | undefined> {
  // The check of the catalog reports why it cannot be opened.
  const database = await openCatalog(config, signal).catch(() => undefined)
  if (database === undefined) return undefined
  try {
    const buckets = await bucketHealth(database)
    if (buckets.length === 0) return undefined
    const warnings = [
      ...(mayOpenBackups(config)
        ? []
        : [
            'restic can store backups here, but a serve without a private key cannot give them back: set BACKUP_AGE_IDENTITY_FILE where it runs.',
          ]),
      ...bucketConditions(buckets, Date.now()).map(problemText),
    ]
    return { message: count(buckets.length, 'bucket'), warning: warnings.join(' ') || undefined }
  } finally {
    await database.close()
  }
}
