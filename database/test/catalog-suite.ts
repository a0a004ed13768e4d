import { afterAll, beforeAll } from 'vitest'
import type { Database } from '#index.ts'
import { emptyCatalog } from '#test/empty-catalog.ts'
import { describeAlerts } from '#test/suite-alerts.ts'
import { describeAudit } from '#test/suite-audit.ts'
import { describeAuditedActs } from '#test/suite-audited-acts.ts'
import { describeBuckets } from '#test/suite-buckets.ts'
import { describeErase } from '#test/suite-erase.ts'
import { describeEvents } from '#test/suite-events.ts'
import { describeEvidence } from '#test/suite-evidence.ts'
import { describeFullDisk } from '#test/suite-full-disk.ts'
import { describeGroups } from '#test/suite-groups.ts'
import { describeHistory } from '#test/suite-history.ts'
import { describeHookRuns } from '#test/suite-hook-runs.ts'
import { describeImports } from '#test/suite-imports.ts'
import { describeIndexOrigins } from '#test/suite-index-origins.ts'
import { describeIndexRows } from '#test/suite-index-rows.ts'
import { describeJobRuns } from '#test/suite-job-runs.ts'
import { describeJobs } from '#test/suite-jobs.ts'
import { describeKeys } from '#test/suite-keys.ts'
import { describeLeases } from '#test/suite-leases.ts'
import { describeLedger } from '#test/suite-ledger.ts'
import { describeLockWait } from '#test/suite-lock-wait.ts'
import { describeMonitoring } from '#test/suite-monitoring.ts'
import { describeNotices } from '#test/suite-notices.ts'
import { describeObjectGarbage } from '#test/suite-object-garbage.ts'
import { describeObjectImports } from '#test/suite-object-imports.ts'
import { describeObjects } from '#test/suite-objects.ts'
import { describeParts } from '#test/suite-parts.ts'
import { describePeople } from '#test/suite-people.ts'
import { describePins } from '#test/suite-pins.ts'
import { describeProofFacts } from '#test/suite-proof-facts.ts'
import { describeQueries } from '#test/suite-queries.ts'
import { describeRecords } from '#test/suite-records.ts'
import { describeRestores } from '#test/suite-restores.ts'
import { describeRetentionNotices } from '#test/suite-retention-notices.ts'
import { describeSchedules } from '#test/suite-schedules.ts'
import { describeServices } from '#test/suite-services.ts'
import { describeSourceFacts } from '#test/suite-source-facts.ts'
import { describeTags } from '#test/suite-tags.ts'
import { describeVault } from '#test/suite-vault.ts'
import { describeWaitingJobs } from '#test/suite-waiting-jobs.ts'

/**
 * What every catalog has to do, on whatever server; each test begins with an empty one. All have the same
 * connections.
 */
export function describeCatalog(connect: () => Promise<Database>): void {
  let database: Database
  beforeAll(async () => {
    database = await connect()
  })
  afterAll(() => database.close())
  const open = async (): Promise<Database> => {
    await emptyCatalog(database)
    return { ...database, close: async () => {} }
  }
  describeRecords(open)
  describeQueries(open)
  describeLedger(open)
  describeJobs(open)
  describeJobRuns(open)
  describeWaitingJobs(open)
  describeHookRuns(open)
  describeLockWait(open)
  describeSchedules(open)
  describeServices(open)
  describeKeys(open)
  describeBuckets(open)
  describeObjects(open)
  describeObjectImports(open)
  describeObjectGarbage(open)
  describePeople(open)
  describePins(open)
  describeTags(open)
  describeMonitoring(open)
  describeSourceFacts(open)
  describeProofFacts(open)
  describeNotices(open)
  describeParts(open)
  describeLeases(open)
  describeVault(open)
  describeIndexRows(open)
  describeIndexOrigins(open)
  describeErase(open)
  describeGroups(open)
  describeEvidence(open)
  describeImports(open)
  describeRestores(open)
  describeRetentionNotices(open)
  describeHistory(open)
  describeAudit(open)
  describeAuditedActs(open)
  describeAlerts(open)
  describeEvents(open)
  describeFullDisk(open)
}
