import {
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  balanceOf,
  createLedger,
  type GroupRestored,
  type GroupSent,
  HOSTILE_NAMES,
  installedServers,
  quoted,
  startWriters,
} from '#test/cluster/cluster-server.ts'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

const SEND = ['send', '--project', 'shop', '--type', 'database', '--json', '--postgres-cluster']

/** Roles with all that globals hold, in text that compares. */
const ROLES = `
select rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolconnlimit, rolvaliduntil,
       shobj_description(oid, 'pg_authid'),
       (select array_agg(setting order by setting) from pg_db_role_setting, unnest(setconfig) setting where setrole = r.oid and setdatabase = 0)
from pg_roles r where rolname !~ '^pg_' and rolname <> 'owner' order by 1;
select pg_get_userbyid(roleid), pg_get_userbyid(member), admin_option from pg_auth_members
where pg_get_userbyid(member) !~ '^pg_' and pg_get_userbyid(member) <> 'owner' order by 1, 2`

let bench: RestoreBench
beforeAll(async () => {
  bench = await openRestoreBench()
})
afterAll(() => bench.close())

const sendCluster = async (
  url: string,
  ...more: string[]
): Promise<{ code: number | null; sent: GroupSent; stderr: string }> => {
  const run = await bench.cli([...SEND, url, ...more])
  return { code: run.code, sent: run.json() as GroupSent, stderr: run.stderr }
}

const membersOf = ({ members }: GroupSent): string[] => members.map(({ member }) => member)

const bins = await installedServers()

describe('a cluster', () => {
  const servers: PostgresServer[] = []
  const start = async (bin = bins.at(-1) ?? ''): Promise<PostgresServer> => {
    const server = await startPostgresServer(bin)
    servers.push(server)
    return server
  }
  let source: PostgresServer
  beforeAll(async () => {
    source = await start()
    await source.sql(
      'postgres',
      `create role readers nologin; create role "o'app ""x""" login password 'geheim' connection limit 7 valid until '2031-01-01';
       comment on role "o'app ""x""" is E'it''s; \\\\! touch /tmp/x';
       grant readers to "o'app ""x""" with admin option;
       alter role "o'app ""x""" set work_mem to '9MB'; alter role "o'app ""x""" set search_path to "$user", public, 'a,b';
       alter role readers set default_transaction_read_only to on;`,
    )
    for (const name of ['shop', 'blog', 'wiki']) await createLedger(source, name, `o'app "x"`)
  })
  afterAll(async () => {
    await Promise.all(servers.map(server => server.stop()))
  })

  it('of three databases with writers goes there and back, each as it was at one moment', async () => {
    const stop = startWriters(source, ['shop', 'blog', 'wiki'])
    const { code, sent, stderr } = await sendCluster(source.url('postgres'))
    await stop()
    expect(code, stderr).toBe(0)
    expect(membersOf(sent)).toEqual([
      'globals',
      'database:blog',
      'database:postgres',
      'database:shop',
      'database:wiki',
    ])
    for (const { databaseRecord, member } of sent.members) {
      expect(databaseRecord).toMatchObject({ group_id: sent.group_id, group_size: 5, member })
    }
    // The drill compares with what was counted in the snapshot of the dump.
    const shop = sent.members.find(({ member }) => member === 'database:shop')?.databaseRecord?.id ?? ''
    const drill = await bench.cli(['verify', shop, '--drill', '--json'])
    expect(drill.code, drill.stderr).toBe(0)
    const target = await start()
    const run = await bench.cli([
      ...['restore', `group:${sent.group_id.slice(0, 8)}`, '--to', target.url('postgres'), '--yes', '--json'],
    ])
    expect(run.code, run.stderr).toBe(0)
    const restored = run.json() as GroupRestored
    expect(restored.members.map(({ member, success }) => [member, success])).toEqual(
      membersOf(sent).map(member => [member, true]),
    )
    expect(await target.databases()).toEqual(await source.databases())
    for (const name of ['shop', 'blog', 'wiki']) expect(await balanceOf(target, name)).toBe('t|t')
    expect(await target.sql('postgres', ROLES)).toBe(await source.sql('postgres', ROLES))
    expect(
      await target.sql('shop', `select pg_get_userbyid(datdba) from pg_database where datname = 'shop'`),
    ).toBe(`o'app "x"`)
    expect(await target.sql('postgres', `select count(*) from pg_authid where rolpassword is not null`)).toBe(
      '1',
    )
    const again = await bench.cli([
      'restore',
      `group:${shop}`,
      '--to',
      target.url('postgres'),
      '--yes',
      '--json',
    ])
    expect(again.code).toBe(3)
    expect(again.stderr).toContain('database:shop is not restored: The database shop is not empty')
  })

  it('gives back the hashes of passwords only when they were asked for, and other rights only when they are allowed', async () => {
    await source.sql('postgres', `create role root superuser login; grant pg_read_all_data to readers`)
    try {
      const { sent, stderr } = await sendCluster(
        source.url('postgres'),
        '--role-passwords',
        '--exclude-database',
        '*',
      )
      expect(membersOf(sent), stderr).toEqual(['globals'])
      const [globals] = sent.members
      const drill = await bench.cli(['verify', globals?.databaseRecord?.id ?? '', '--drill', '--json'])
      expect(drill.code, drill.stdout).toBe(0)
      const target = await start()
      const restore = [
        'restore',
        globals?.databaseRecord?.id ?? '',
        '--to',
        target.url('postgres'),
        '--yes',
        '--json',
      ]
      const refused = await bench.cli(restore)
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain('role root: SUPERUSER; role readers: member of pg_read_all_data')
      expect(
        await target.sql('postgres', `select count(*) from pg_roles where rolname in ('root', 'readers')`),
      ).toBe('0')
      const allowed = await bench.cli([...restore, '--trust-globals'])
      expect(allowed.code, allowed.stderr).toBe(0)
      const hashes = `select rolname, rolpassword from pg_authid where rolname <> 'owner' and rolname !~ '^pg_' order by 1`
      expect(await target.sql('postgres', hashes)).toBe(await source.sql('postgres', hashes))
      const again = (await bench.cli(restore)).json() as { roles: string[]; kept_roles: number }
      expect(again).toMatchObject({ roles: [], kept_roles: 4 })
    } finally {
      await source.sql('postgres', `drop role root; revoke pg_read_all_data from readers`)
    }
  })

  it('leaves a role that the server has as it is, also when the backup says more of it', async () => {
    const { sent } = await sendCluster(source.url('postgres'), '--exclude-database', '*')
    const target = await start()
    await target.sql('postgres', `create role "o'app ""x""" nologin`)
    const id = sent.members[0]?.databaseRecord?.id ?? ''
    const run = await bench.cli(['restore', id, '--to', target.url('postgres'), '--yes', '--json'])
    expect(run.code, run.stderr).toBe(0)
    expect(
      await target.sql(
        'postgres',
        `select rolcanlogin, rolconfig from pg_roles where rolname like 'o''app%'`,
      ),
    ).toBe('f|')
    expect(
      await target.sql(
        'postgres',
        `select count(*) from pg_auth_members where pg_get_userbyid(member) like 'o''app%'`,
      ),
    ).toBe('0')
  })

  it('takes in what appears, tells what is dropped, and goes on where one fails', async () => {
    await createLedger(source, 'fourth', `o'app "x"`)
    const first = await sendCluster(source.url('shop'))
    expect(membersOf(first.sent)).toContain('database:fourth')
    await source.sql(
      'postgres',
      `drop database fourth; create database closed; revoke connect on database closed from public`,
    )
    await source.sql('postgres', `create role backup login password 'x'; grant pg_read_all_data to backup`)
    try {
      const url = source.url('postgres').replace(/\/\/[^@]*@/, '//backup:x@')
      const { code, sent, stderr } = await sendCluster(url)
      expect(code).toBe(3)
      expect(sent.success).toBe(false)
      const failed = sent.members.filter(({ success }) => !success)
      expect(failed.map(({ member }) => member)).toEqual(['database:closed'])
      expect(stderr).toMatch(/database:closed is not backed up: .*permission denied for database "closed"/)
      const restored = await bench.cli([
        'restore',
        `group:${sent.group_id}`,
        '--to',
        (await start()).url('postgres'),
        ...['--yes', '--json', '--trust-globals'],
      ])
      expect(restored.code, restored.stderr).toBe(3)
      expect(restored.json()).toMatchObject({ success: false, missing: 1 })
    } finally {
      await source.sql(
        'postgres',
        `drop database closed; revoke pg_read_all_data from backup; drop role backup`,
      )
    }
  })

  it('loses only the database that is dropped in the middle of its dump', async () => {
    const server = await start()
    await createLedger(server, 'doomed', 'owner')
    await createLedger(server, 'wiki', 'owner')
    const tables = `pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`
    const table = await server.sql('doomed', `select oid::regclass from ${tables} limit 1`)
    // The dump waits for this lock.
    const holder = server.sql('doomed', `begin; lock table ${table}; select pg_sleep(300)`).catch(() => {})
    const isWaiting = `select exists (select from pg_locks where not granted)`
    const sending = sendCluster(server.url('postgres'))
    await expect.poll(() => server.sql('postgres', isWaiting), { timeout: 120_000 }).toBe('t')
    await server.sql('postgres', 'drop database doomed with (force)')
    await holder
    const { code, sent, stderr } = await sending
    expect(code, stderr).toBe(3)
    const failed = sent.members.filter(({ success }) => !success)
    expect(failed.map(({ member }) => member)).toEqual(['database:doomed'])
    expect(stderr).toMatch(/database:doomed is not backed up: /)
    expect(membersOf(sent)).toContain('database:wiki')
    const states = (await bench.cli(['list', '--json', '--state', 'sending'])).json()
    expect(states).toEqual([])
  })

  it('of the oldest server that is installed comes back into the newest one', async () => {
    const old = await start(bins[0])
    await old.sql(
      'postgres',
      `create role boss login; create role staff; grant staff to boss with admin option; alter role boss set work_mem to '9MB'`,
    )
    await createLedger(old, 'shop', 'boss')
    const { code, sent, stderr } = await sendCluster(old.url('shop'), '--exclude-database', 'postgres')
    expect(code, stderr).toBe(0)
    const target = await start()
    const to = ['--to', target.url('postgres'), '--yes', '--json']
    const run = await bench.cli(['restore', `group:${sent.group_id}`, ...to])
    expect(run.code, run.stderr).toBe(0)
    expect(await target.sql('postgres', ROLES)).toBe(await old.sql('postgres', ROLES))
    expect(await balanceOf(target, 'shop')).toBe('t|t')
  })

  it('has databases of any name', async () => {
    const hostile = await start()
    for (const name of HOSTILE_NAMES) {
      await hostile.sql('postgres', `create database ${quoted(name)}`)
      await hostile.sql(name, `create table t as select ${`$n$${name}$n$`}::text as name`)
    }
    const { code, sent, stderr } = await sendCluster(hostile.url(HOSTILE_NAMES[0] ?? ''))
    expect(code, stderr).toBe(0)
    expect(new Set(membersOf(sent))).toEqual(
      new Set(['globals', 'database:postgres', ...HOSTILE_NAMES.map(name => `database:${name}`)]),
    )
    const target = await start()
    const run = await bench.cli([
      'restore',
      `group:${sent.group_id}`,
      '--to',
      target.url('postgres'),
      '--yes',
      '--json',
    ])
    expect(run.code, run.stderr).toBe(0)
    for (const name of HOSTILE_NAMES) expect(await target.sql(name, 'select name from t')).toBe(name)
  })
})
