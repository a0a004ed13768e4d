import { type Difference, type Drill, type Drilled, type DrillPlace, difference } from '#drilling.ts'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { GLOBALS_RECORD, type Globals, globalsIn } from '#postgres/cluster/globals.ts'
import { restoreGlobals } from '#postgres/cluster/restore-globals.ts'
import type { ClusterTarget } from '#postgres/cluster-settings.ts'
import { onOwnServer } from '#postgres/drill/own-server.ts'
import { queryJson } from '#postgres/psql.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

/** Throws what a drill would, as far as that is known before the backup is read. */
export async function checkGlobalsDrill(
  { size }: RecordedBackup,
  { scratch, signal }: DrillPlace<ClusterTarget>,
): Promise<void> {
  await newestClientProgram('psql', signal)
  await onOwnServer(scratch, { sizeBytes: size, signal }, async () => {})
}

/**
 * Restores the globals on a temporary server, and compares its roles with the record. A server that is named
 * for drills gets none of them: it has roles of its own, which a restore leaves as they are. Without
 * tablespaces, whose folders this machine need not have. Throws what a restore throws.
 */
export async function drillGlobals(
  backup: RecordedBackup,
  { scratch, open, onRestored, signal }: Drill<ClusterTarget>,
): Promise<Drilled> {
  const psql = (await newestClientProgram('psql', signal)).path
  const recorded = globalsIn(backup.source)
  return await onOwnServer(scratch, { sizeBytes: backup.size, signal }, async ({ superuser: connection }) => {
    const at = { connection, psql, signal }
    const { not_restored: left } = await restoreGlobals(open, {
      ...at,
      trustGlobals: true,
      isWithoutTablespaces: true,
    })
    onRestored?.()
    const seen = globalsIn({ globals: await queryJson(connection, `select ${GLOBALS_RECORD}`, at) })
    const notes = left.length === 0 ? [] : [`Not restored: ${left.join(', ')}.`]
    const differences = recorded === undefined || seen === undefined ? [] : differencesOf(recorded, seen)
    return {
      ...{ where: 'a server of its own', differences, not_covered: [], notes },
      depth: recorded === undefined ? 'restored' : 'counts',
      compared: {
        contents: 'not compared',
        ...(recorded !== undefined && { roles: recorded.roles.length }),
      },
    }
  })
}

/** What was recorded and did not come back. The temporary server has roles of its own besides. */
function differencesOf(recorded: Globals, seen: Globals): Difference[] {
  const lines = ({ roles, memberships, settings }: Globals): Map<string, string> =>
    new Map([
      ...roles.map(({ name, powers }): [string, string] => [`role ${name}`, powers.join(', ') || 'ordinary']),
      ...memberships.map(({ role, member }): [string, string] => [`${member} in ${role}`, 'a member']),
      ...settings.map(({ role, name }): [string, string] => [`${name} of ${role}`, 'set']),
    ])
  const found = lines(seen)
  return [...lines(recorded)]
    .filter(([name, expected]) => found.get(name) !== expected)
    .map(([name, expected]) => difference('objects', name, expected, { found: found.get(name) ?? 'missing' }))
}
