import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rightsAdded } from '#postgres/cluster/globals.ts'
import { sqlOfGlobals } from '#postgres/cluster/globals-sql.ts'
import { readGlobals } from '#postgres/cluster/read-globals.ts'
import { textOfGlobals } from '#postgres/cluster/text-of-globals.ts'

const SERVER = {
  roles: new Set(['postgres', 'admins', 'pg_read_all_data']),
  ownParameters: new Set(['work_mem', 'search_path']),
  tablespaces: new Set(['pg_default']),
  versionNumber: 170_000,
}

const sqlOf = (dump: string): string[] => sqlOfGlobals(readGlobals(dump), SERVER)

const DUMP = String.raw`--
-- PostgreSQL database cluster dump; CREATE ROLE commented;
--
\restrict x;CREATE ROLE evil;
SET default_transaction_read_only = off;
CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;
CREATE ROLE "o'app ""x""";
ALTER ROLE "o'app ""x""" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT -1 PASSWORD 'SCRAM-SHA-256$1:a=$b:c=' VALID UNTIL '2031-01-01 00:00:00+00';
COMMENT ON ROLE "o'app ""x""" IS E'it''s; \\! id';
CREATE ROLE readers;
ALTER ROLE readers WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
ALTER ROLE "o'app ""x""" SET work_mem TO '9MB';
ALTER ROLE "o'app ""x""" SET search_path TO '$user', 'public', 'a,b';
GRANT readers TO "o'app ""x""" WITH ADMIN OPTION, INHERIT FALSE GRANTED BY postgres;
GRANT admins TO postgres WITH INHERIT TRUE GRANTED BY postgres;
CREATE TABLESPACE fast OWNER readers LOCATION '/srv/it''s';
ALTER TABLESPACE fast SET (random_page_cost=1.1, seq_page_cost='2');
GRANT ALL ON TABLESPACE fast TO readers;
GRANT SET ON PARAMETER log_min_messages TO readers;
SECURITY LABEL FOR x ON ROLE readers IS 'y';
`

it('reads what pg_dumpall writes, and writes it anew for what the server lacks', () => {
  expect(sqlOf(DUMP)).toEqual([
    `create role "o'app ""x""" NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS connection limit -1 password 'SCRAM-SHA-256$1:a=$b:c=' valid until '2031-01-01 00:00:00+00';`,
    'create role "readers" NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;',
    `alter role "o'app ""x""" set "work_mem" to '9MB';`,
    `alter role "o'app ""x""" set "search_path" to '$user', 'public', 'a,b';`,
    String.raw`comment on role "o'app ""x""" is E'it''s; \\! id';`,
    `grant "readers" to "o'app ""x""" with admin true, inherit false;`,
  ])
  const { tablespaces, leftOut } = readGlobals(DUMP)
  expect(tablespaces).toMatchObject([{ name: 'fast', owner: 'readers', location: "/srv/it's" }])
  expect(tablespaces[0]?.options).toEqual([
    { name: 'random_page_cost', value: '1.1' },
    { name: 'seq_page_cost', value: '2' },
  ])
  expect([...leftOut.keys()].sort()).toEqual([
    'privileges on parameters',
    'privileges on tablespaces',
    'security labels',
  ])
})

it('takes no text that could end a line of psql early, or that is no text', async () => {
  async function* bytes(text: string | Buffer) {
    yield Buffer.from(text as string)
  }
  expect(await textOfGlobals(bytes('CREATE ROLE é;'))).toBe('CREATE ROLE é;')
  for (const wrong of ["COMMENT ON ROLE a IS 'x\0';", Buffer.from([0xff, 0xfe])]) {
    await expect(textOfGlobals(bytes(wrong))).rejects.toMatchObject({ code: 'UNRESTORABLE' })
  }
})

it('a server before 16 gets memberships in the form that it knows', () => {
  const sql = sqlOfGlobals(readGlobals(DUMP), { ...SERVER, versionNumber: 150_000 })
  expect(sql.at(-1)).toBe(`grant "readers" to "o'app ""x""" with admin option;`)
})

it('a member that several roles have granted gets what any of them gives, in whichever order', () => {
  const grants = [
    'GRANT readers TO app WITH ADMIN OPTION, INHERIT FALSE, SET FALSE GRANTED BY boss;',
    'GRANT readers TO app WITH INHERIT TRUE GRANTED BY postgres;',
  ]
  for (const ordered of [grants, grants.toReversed()]) {
    const dump = ['CREATE ROLE app;', 'CREATE ROLE readers;', ...ordered].join('\n')
    const granted = sqlOf(dump).filter(statement => statement.startsWith('grant'))
    expect(granted).toHaveLength(1)
    for (const option of ['admin true', 'inherit true', 'set true']) expect(granted[0]).toContain(option)
    expect(readGlobals(dump).memberships[0]?.grantors.toSorted()).toEqual(['boss', 'postgres'])
  }
})

it('a role that the server has gets nothing: no attribute, no setting, no membership, no comment', () => {
  const dump = `CREATE ROLE admins;
ALTER ROLE admins WITH SUPERUSER PASSWORD 'x';
ALTER ROLE admins SET work_mem TO '1MB';
COMMENT ON ROLE admins IS 'x';
GRANT pg_read_all_data TO admins;
`
  expect(sqlOf(dump)).toEqual([])
  expect(rightsAdded(readGlobals(dump), SERVER)).toEqual([])
})

it('names every right beyond those of an ordinary role', () => {
  const dump = `CREATE ROLE a;
ALTER ROLE a WITH SUPERUSER NOREPLICATION BYPASSRLS LOGIN;
CREATE ROLE b;
GRANT a TO b;
GRANT admins TO b;
ALTER ROLE b SET session_preload_libraries TO '/tmp/x';
ALTER ROLE b SET "Work_Mem" TO '1MB';
ALTER ROLE b SET "plperl.on_init" TO 'x';
CREATE TABLESPACE t OWNER b LOCATION '/etc';
`
  expect(rightsAdded(readGlobals(dump), SERVER)).toEqual([
    'role a: SUPERUSER, BYPASSRLS',
    'role b: member of admins',
    'role b: parameter session_preload_libraries',
    'role b: parameter plperl.on_init',
    'tablespace t',
  ])
})

const PIECES =
  `CREATE ROLE |ALTER ROLE | WITH |SUPERUSER| SET | TO |GRANT |;\n|;|'|"|E'|\\'|\\\\|$$|$a$|--|/*|*/|\n|\\! id\n|\\c|DROP ROLE postgres|x|é|U&'|COMMENT ON ROLE | IS |(|)|,|=|1|\0|PASSWORD `.split(
    '|',
  )

/** One statement, of names and texts in quotes and words of ours alone. */
const OURS =
  /^(?:create role|alter role|comment on role|grant)(?: (?:(?:U&)?"(?:[^"\n]|"")+"|E?'(?:[^'\n]|'')*',?|-?\d+|is|set|to|with|admin|inherit|true,?|false,?|password|valid until|connection limit|[A-Z]+))+;$/

it('whatever the text is, what runs are statements of ours on new roles, each in one line', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }), pieces => {
      for (const statement of sqlOf(`CREATE ROLE n;\n${pieces.join('')}`)) {
        expect(statement).toMatch(OURS)
        expect(statement).not.toMatch(/^(?:create|alter|comment on) role "postgres"/)
      }
    }),
    { numRuns: 2_000 },
  )
})

it('every name and text comes back as it was', () => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter(text => !text.includes('\0'))
  const quoteName = (text: string): string => `"${text.replaceAll('"', '""')}"`
  const quoteText = (text: string): string => {
    const quoted = text.replaceAll("'", "''")
    return text.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`
  }
  fc.assert(
    fc.property(name, name, name, (role, text, other) => {
      const of = quoteName(role)
      const globals = readGlobals(
        [
          `CREATE ROLE ${of};`,
          `COMMENT ON ROLE ${of} IS ${quoteText(text)};`,
          `GRANT ${quoteName(other)} TO ${of};`,
          `ALTER ROLE ${of} SET ${quoteName(other)} TO ${quoteText(text)};`,
        ].join('\n'),
      )
      expect(globals).toMatchObject({
        roles: [{ name: role, comment: text }],
        memberships: [{ role: other, member: role }],
        settings: [{ role, name: other, values: [text] }],
      })
      expect(globals.leftOut.size).toBe(0)
    }),
    { numRuns: 200 },
  )
})
