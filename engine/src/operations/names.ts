import {
  type Database,
  listApiKeys,
  listBuckets,
  listDoorKeys,
  listJobs,
  listSchedules,
  pagePeople,
  queryBackups,
} from '@telegram-backup/database'
import { readConfigFile } from '#config/config-file.ts'
import type { Config, Environment } from '#environment.ts'
import { formatBytes, formatTime } from '#units/human-units.ts'
import { openRunningCatalog } from '#wiring.ts'

/** A name, and what it stands for. */
export interface KnownName {
  name: string
  about: string
}

export type NameKind =
  | 'backup'
  | 'schedule'
  | 'job'
  | 'apikey'
  | 'bucket'
  | 'doorkey'
  | 'person'
  | 'source'
  | 'target'
  | 'project'
  | 'tag'

/** How many of the newest backups and jobs are offered. */
const NEWEST = 50

/**
 * The names of things that the configuration and the catalog know, for a shell to complete. Changes nothing
 * and starts no server: without a running catalog, only the names of the configuration are known. What fails
 * gives no names.
 */
export async function knownNames(
  kind: NameKind,
  { config, environment, signal }: { config: Config; environment: Environment; signal: AbortSignal },
): Promise<KnownName[]> {
  const file = await readConfigFile(config, environment).catch(() => undefined)
  const named = (names: readonly string[] = [], about: string): KnownName[] =>
    names.map(name => ({ name, about }))
  if (kind === 'source') return named(file?.sourceNames, 'a source of telegram-backup.yaml')
  if (kind === 'target') return named(file?.targetNames, 'a target of telegram-backup.yaml')
  const words = kind === 'backup' ? latestWords(file?.sourceNames) : []
  const database = await openRunningCatalog(config, signal).catch(() => undefined)
  if (database === undefined) return words
  try {
    return [...words, ...(await CATALOG_NAMES[kind](database))]
  } catch {
    return words
  } finally {
    await database.close().catch(() => {})
  }
}

function latestWords(sources: readonly string[] = []): KnownName[] {
  return [
    { name: 'latest', about: 'the newest complete backup' },
    ...sources.map(name => ({ name: `latest:${name}`, about: 'the newest complete backup of this source' })),
  ]
}

const CATALOG_NAMES: Readonly<
  Record<Exclude<NameKind, 'source' | 'target'>, (database: Database) => Promise<KnownName[]>>
> = {
  backup: async database =>
    (await queryBackups(database, { isErasedWanted: false, limit: NEWEST })).data.map(backup => ({
      name: short(backup.id),
      about: `${backup.project_id} ${backup.type}, ${formatTime(backup.created_at)}, ${formatBytes(backup.size)}${backup.state === 'complete' ? '' : `, ${backup.state}`}`,
    })),
  project: async database => distinct(await newest(database), backup => [backup.project_id], 'a project'),
  tag: async database => distinct(await newest(database), backup => backup.tags, 'a tag'),
  schedule: async database =>
    (await listSchedules(database)).map(({ id, source, cron }) => ({
      name: short(id),
      about: `${source}, ${cron}`,
    })),
  job: async database =>
    (await listJobs(database, { limit: NEWEST })).map(({ id, kind, state, created_at }) => ({
      name: short(id),
      about: `${kind}, ${state}, ${formatTime(created_at)}`,
    })),
  apikey: async database =>
    (await listApiKeys(database)).map(({ id, name }) => ({ name: short(id), about: name })),
  bucket: async database =>
    (await listBuckets(database)).map(({ name, kind, project_id }) => ({
      name,
      about: `${kind}, ${project_id}`,
    })),
  doorkey: async database =>
    (await listDoorKeys(database)).map(({ id, name, scope }) => ({
      name: short(id),
      about: `${name}, ${scope}`,
    })),
  person: async database =>
    (await pagePeople(database, { limit: NEWEST })).map(({ id, name, role }) => ({
      name: short(id),
      about: `${name}, ${role}`,
    })),
}

async function newest(database: Database) {
  return (await queryBackups(database, { isErasedWanted: false, limit: 1000 })).data
}

function distinct<Item>(
  items: readonly Item[],
  namesOf: (item: Item) => readonly string[],
  about: string,
): KnownName[] {
  return [...new Set(items.flatMap(namesOf))].sort().map(name => ({ name, about }))
}

function short(id: string): string {
  return id.slice(0, 8)
}
