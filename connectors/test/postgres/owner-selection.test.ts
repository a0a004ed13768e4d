import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DumpFilter } from '#postgres/restore/selection/dump-filter.ts'
import { OwnerSelection } from '#postgres/restore/selection/owner-selection.ts'
import { tokensOf } from '#postgres/restore/selection/sql-tokens.ts'
import type { OwnerWishes } from '#restoring.ts'

const NOTHING: OwnerWishes = { noOwner: false, noAcl: false, mapRoles: [] }
const MAP = [
  { from: 'shop', to: 'new "shop"' },
  { from: 'Büro', to: 'office' },
  { from: 'server', to: 'machine' },
]

/** What is left of the SQL, on one line, when it comes in pieces of this many bytes. */
function changed(sql: string, wishes: Partial<OwnerWishes>, pieceBytes = 1e6): string {
  const filter = new DumpFilter(new OwnerSelection({ ...NOTHING, ...wishes }), new Set())
  const bytes = Buffer.from(sql)
  const out: Buffer[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes)
    out.push(...filter.push(bytes.subarray(at, at + pieceBytes)).map(piece => Buffer.from(piece)))
  return Buffer.concat([...out, ...filter.finish()])
    .toString()
    .trim()
}

const STATEMENTS: ReadonlyArray<
  [sql: string, mapped: string, noOwner: string | 'same', noAcl: string | 'same']
> = [
  ['ALTER TABLE public.t OWNER TO shop;', 'ALTER TABLE public.t OWNER TO "new ""shop""";', '', 'same'],
  ['ALTER TABLE public.owner OWNER TO "Büro";', 'ALTER TABLE public.owner OWNER TO "office";', '', 'same'],
  [
    'ALTER FUNCTION public.f("a;b" text) OWNER TO shop;',
    'ALTER FUNCTION public.f("a;b" text) OWNER TO "new ""shop""";',
    '',
    'same',
  ],
  ['ALTER LARGE OBJECT 17 OWNER TO server;', 'ALTER LARGE OBJECT 17 OWNER TO "machine";', '', 'same'],
  [
    'GRANT SELECT(a,b) ON TABLE public.by TO shop;',
    'GRANT SELECT(a,b) ON TABLE public.by TO "new ""shop""";',
    'same',
    '',
  ],
  [
    'GRANT ALL ON SCHEMA s TO server WITH GRANT OPTION;',
    'GRANT ALL ON SCHEMA s TO "machine" WITH GRANT OPTION;',
    'same',
    '',
  ],
  ['REVOKE ALL ON TABLE public.t FROM PUBLIC;', 'REVOKE ALL ON TABLE public.t FROM PUBLIC;', 'same', ''],
  [
    'ALTER DEFAULT PRIVILEGES FOR ROLE shop IN SCHEMA s GRANT SELECT ON TABLES TO server;',
    'ALTER DEFAULT PRIVILEGES FOR ROLE "new ""shop""" IN SCHEMA s GRANT SELECT ON TABLES TO "machine";',
    'same',
    '',
  ],
  ['SET SESSION AUTHORIZATION shop;', 'SET SESSION AUTHORIZATION "new ""shop""";', '', ''],
  ['RESET SESSION AUTHORIZATION;', 'RESET SESSION AUTHORIZATION;', '', ''],
  [
    "CREATE POLICY shop ON public.t FOR SELECT TO shop, server USING ((a = 'TO shop'::text));",
    `CREATE POLICY shop ON public.t FOR SELECT TO "new ""shop""", "machine" USING ((a = 'TO shop'::text));`,
    'same',
    'same',
  ],
  [
    "CREATE USER MAPPING FOR shop SERVER server OPTIONS (a 'b');",
    'CREATE USER MAPPING FOR "new ""shop""" SERVER server OPTIONS (a \'b\');',
    'same',
    'same',
  ],
  [
    'CREATE SCHEMA s AUTHORIZATION shop;',
    'CREATE SCHEMA s AUTHORIZATION "new ""shop""";',
    'CREATE SCHEMA s  ;',
    'same',
  ],
  [
    "ALTER TABLE public.t ADD CONSTRAINT c CHECK ((a <> ' OWNER TO shop;'::text));",
    "ALTER TABLE public.t ADD CONSTRAINT c CHECK ((a <> ' OWNER TO shop;'::text));",
    'same',
    'same',
  ],
  [
    'ALTER TABLE ONLY public." OWNER TO shop" CLUSTER ON shop;',
    'ALTER TABLE ONLY public." OWNER TO shop" CLUSTER ON shop;',
    'same',
    'same',
  ],
  [
    "COMMENT ON TABLE public.t IS 'GRANT x TO shop;';",
    "COMMENT ON TABLE public.t IS 'GRANT x TO shop;';",
    'same',
    'same',
  ],
]

describe('owners and privileges of a dump', () => {
  it.each(STATEMENTS)('%s', (sql, mapped, noOwner, noAcl) => {
    for (const bytes of [1, 7, 1e6]) {
      expect(changed(sql, { mapRoles: MAP }, bytes)).toBe(mapped)
      expect(changed(sql, { noOwner: true }, bytes)).toBe(noOwner === 'same' ? sql : noOwner)
      expect(changed(sql, { noAcl: true }, bytes)).toBe(noAcl === 'same' ? sql : noAcl)
    }
  })

  it('rows stay as they are, whatever they look like', () => {
    const sql = 'COPY public.t (a) FROM stdin;\nALTER TABLE t OWNER TO shop;\nGRANT x TO shop;\n\\.'
    expect(changed(sql, { noOwner: true, noAcl: true, mapRoles: MAP })).toBe(sql)
  })

  it.each([
    'REASSIGN OWNED BY a TO b;',
    'SET ROLE shop;',
    'GRANT shop TO server;',
    'ALTER TABLE t OWNER TO a, ADD b int;',
    'DROP OWNED BY a;',
  ])('%s is refused', sql => {
    expect(() => changed(sql, { noOwner: true })).toThrow(/cannot be judged/)
  })

  it('takes the wanted role again after another one was given up', () => {
    expect(changed('RESET SESSION AUTHORIZATION;', { role: 'r' })).toBe(
      'RESET SESSION AUTHORIZATION;\nSET LOCAL ROLE "r";',
    )
  })

  it('tells which role the dump did not name', () => {
    const selection = new OwnerSelection({ ...NOTHING, mapRoles: MAP })
    selection.taken('ALTER TABLE public.t OWNER TO shop;')
    expect(selection.remarks).toEqual([expect.stringContaining('Büro'), expect.stringContaining('server')])
  })

  it('the tokens of a statement are the statement', () => {
    const pieces = fc.constantFrom(
      '"',
      "'",
      '$a$',
      '$',
      '--',
      '\n',
      '/*',
      '*/',
      "E'",
      '\\',
      'OWNER',
      'é',
      '(',
      ')',
      ';',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(pieces), parts => {
        const sql = parts.join('')
        expect(
          tokensOf(sql)
            .map(({ text }) => text)
            .join(''),
        ).toBe(sql)
      }),
    )
  })
})
