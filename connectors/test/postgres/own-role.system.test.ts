import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { planDatabaseRestore } from '#postgres/restore/database-plan.ts'
import { restoreInOneTransaction } from '#postgres/restore/restore-database.ts'

// A dump runs with the rights of whoever restores it, who may change a password: its own. That would outlive
// the restore, and a drill on a server that is named.

let server: PostgresServer
let passwordBefore: string

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  await server.sql('postgres', `create role restorer login password 'old'; create role mallory`)
})

afterAll(() => server.stop())

const password = (): Promise<string> =>
  server.sql('postgres', `select rolpassword from pg_authid where rolname = 'restorer'`)

beforeEach(async () => {
  await server.sql('postgres', 'drop database if exists target')
  await server.sql('postgres', 'create database target owner restorer')
  await server.sql('postgres', `alter role restorer password 'old'`)
  passwordBefore = await password()
})

async function restore(dump: string): Promise<unknown> {
  const signal = new AbortController().signal
  const connection = parsePostgresUrl(server.url('target').replace(/\/\/[^@]*@/, '//restorer:old@'))
  const plan = await planDatabaseRestore({ source: { kind: 'postgres' }, size: 0 }, connection, {
    ...{ overwrite: false, keepOld: false, createRoles: false, signal },
  })
  return await restoreInOneTransaction(plan, {
    ...{ connection, session: 'telegram-backup restore test', signal },
    open: async function* () {
      yield Buffer.from(dump)
    },
  }).catch((error: unknown) => error)
}

const STEALING = `execute 'alter role ' || quote_ident(session_user) || ' password ''stolen''';`
const STEAL = `CREATE FUNCTION public.steal() RETURNS int LANGUAGE plpgsql AS $$ begin ${STEALING} return 1; end $$;`

it.each([
  ['at once', `DO $$ begin ${STEALING} end $$;`],
  [
    'in what is undone in part',
    `DO $$ begin begin ${STEALING} end; begin perform 1/0; exception when others then null; end; end $$;`,
  ],
  [
    'by a trigger that waits for the COMMIT',
    `CREATE TABLE public.t (x int);
     CREATE FUNCTION public.fired() RETURNS trigger LANGUAGE plpgsql AS $$ begin ${STEALING} return null; end $$;
     CREATE CONSTRAINT TRIGGER late AFTER INSERT ON public.t DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION public.fired();
     INSERT INTO public.t VALUES (1);`,
  ],
  [
    'by a cursor that is filled at the COMMIT',
    `${STEAL} DECLARE late CURSOR WITH HOLD FOR SELECT public.steal();`,
  ],
])('a dump does not change the password of the role that restores it, %s', async (_, dump) => {
  const outcome = await restore(`${dump}\n`)
  expect(await password()).toBe(passwordBefore)
  const isThere = `select count(*) from pg_class where relname = 't'`
  if (outcome !== undefined) expect(await server.sql('target', isThere)).toBe('0')
})

it('what a dump says of owners, rights and waiting constraints is restored as before', async () => {
  const outcome = await restore(`
    CREATE TABLE public.t (x int PRIMARY KEY);
    CREATE TABLE public.u (x int REFERENCES public.t DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO public.u VALUES (1); INSERT INTO public.t VALUES (1);
    ALTER TABLE public.t OWNER TO restorer; GRANT SELECT ON TABLE public.t TO mallory;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO mallory;`)
  expect(outcome).toBeUndefined()
  expect(await server.sql('target', 'select count(*) from public.u')).toBe('1')
})
