import type { Connector } from '#connector.ts'
import {
  CLUSTER_SETTINGS,
  type ClusterChoice,
  type ClusterSettings,
  type ClusterTarget,
  chooseCluster,
} from '#postgres/cluster-settings.ts'
import { POSTGRES } from '#postgres/postgres-connector.ts'

/**
 * A whole PostgreSQL cluster. Its own backups hold the globals; the backups of its databases are like those
 * of single databases.
 */
export const CLUSTER: Connector<ClusterChoice, ClusterTarget, ClusterSettings> = {
  kind: 'postgres-cluster',
  place: 'postgres_cluster',
  settings: CLUSTER_SETTINGS,
  choose: chooseCluster,

  assertUsable: async ({ url }) => {
    const { parsePostgresUrl } = await import('#postgres/connection.ts')
    parsePostgresUrl(url)
  },
  open: async (choice, { signal }) => {
    const { openGlobals } = await import('#postgres/cluster/globals-source.ts')
    return await openGlobals(choice, signal)
  },
  check: async (choice, of) => {
    const { checkCluster } = await import('#postgres/cluster/cluster-check.ts')
    return await checkCluster(choice, of)
  },
  preview: async (choice, of) => {
    const { previewCluster } = await import('#postgres/cluster/preview-cluster.ts')
    return await previewCluster(choice, of)
  },
  hideSource: async ({ url, options }, name) => {
    const hide = await POSTGRES.hideSource?.({ kind: 'postgres', url, options }, name)
    return error => hide?.(error) ?? error
  },
  group: {
    list: async (choice, signal) => {
      const { listCluster } = await import('#postgres/cluster/cluster-members.ts')
      return await listCluster(choice, signal)
    },
    targetOf: async (member, server) => {
      const { targetOfMember } = await import('#postgres/cluster/cluster-members.ts')
      return targetOfMember(member, server)
    },
  },

  restore: {
    makes: 'roles',
    shown: 'URL',
    form: /^postgres(ql)?:\/\//i,
    wishes: ['trustGlobals'],
    takesOthers: false,
    readTarget: async text => {
      const { parsePostgresUrl } = await import('#postgres/connection.ts')
      return { kind: 'postgres-cluster', connection: parsePostgresUrl(text) }
    },
    plan: async (target, backup, of) => {
      const { planGlobals } = await import('#postgres/cluster/restore-globals.ts')
      return await planGlobals(target, backup, of)
    },
  },

  drill: {
    check: async (backup, place) => {
      const { checkGlobalsDrill } = await import('#postgres/cluster/drill-globals.ts')
      await checkGlobalsDrill(backup, place)
    },
    run: async (backup, drill) => {
      const { drillGlobals } = await import('#postgres/cluster/drill-globals.ts')
      return await drillGlobals(backup, drill)
    },
  },
}
