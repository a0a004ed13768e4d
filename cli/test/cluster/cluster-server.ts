import { readdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { IntegratedBackupResult } from '@telegram-backup/api-gateway/backups'
import type { PostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'

/** Each name breaks something that is put together as text: a URL, a connection string, SQL, an option. */
export const HOSTILE_NAMES: readonly string[] = [
  `o'brien "x" host=evil.invalid`,
  'postgresql://evil.invalid/x?y=%20z',
  '--dbname=evil',
  'line\nbreak',
  'Größe €',
  'globals',
]

/** What `send --json` prints for a cluster. */
export interface GroupSent {
  success: boolean
  group_id: string
  members: (IntegratedBackupResult & { member: string; is_gone?: boolean })[]
}

/** What `restore group:ID --json` prints. */
export interface GroupRestored {
  success: boolean
  missing: number
  members: {
    member: string
    id: string
    success: boolean
    error?: string
    target?: string
    roles?: string[]
  }[]
}

/** The programs of every installed server, oldest first. */
export async function installedServers(): Promise<string[]> {
  const majors = (await readdir('/usr/lib/postgresql')).map(Number).sort((a, b) => a - b)
  return majors.map(major => `/usr/lib/postgresql/${major}/bin`)
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A database whose two tables always have the same sum, whatever the moment. */
export async function createLedger(server: PostgresServer, name: string, owner: string): Promise<void> {
  await server.sql('postgres', `create database ${quoted(name)} owner ${quoted(owner)}`)
  await server.sql(
    name,
    `set role ${quoted(owner)};
     create table debit (id bigserial primary key, amount int); create table credit (id bigserial primary key, amount int);
     insert into debit (amount) select n from generate_series(1, 2000) n;
     insert into credit (amount) select n from generate_series(1, 2000) n;`,
  )
}

/** Whether the sums agree, and how many rows there are. */
export async function balanceOf(server: PostgresServer, name: string): Promise<string> {
  return await server.sql(
    name,
    `select (select sum(amount) from debit) = (select sum(amount) from credit), (select count(*) from debit) >= 2000`,
  )
}

/** Books in all of them until it is stopped. */
export function startWriters(server: PostgresServer, names: readonly string[]): () => Promise<void> {
  let isStopped = false
  const writing = names.map(async name => {
    while (!isStopped) {
      await server.sql(
        name,
        `begin; insert into debit (amount) values (7); insert into credit (amount) values (7); commit;`,
      )
      await delay(5)
    }
  })
  return async () => {
    isStopped = true
    await Promise.all(writing)
  }
}
