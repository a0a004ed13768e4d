import { describe, expect, it } from 'vitest'
import { entry, select, selectionOf } from '#test/postgres/selected-dump.ts'

const TABLE = entry('a', 'TABLE', 'CREATE TABLE sales.a (\n    id integer\n);')

describe('a dump that also names an object of the target', () => {
  it('gives nobody a right on it', () => {
    for (const grant of [
      'GRANT ALL ON TABLE sales.a , public.users TO PUBLIC;',
      'GRANT ALL ON TABLE sales.a, public.users TO PUBLIC;',
    ]) {
      const dump = `${TABLE}${entry('TABLE a', 'ACL', grant)}`
      expect(select(dump, selectionOf({ tables: ['sales.a'] }))).not.toContain('users')
      expect(() => select(dump, selectionOf({ schemas: ['sales'] }))).toThrow('does not belong to its entry')
    }
    const schemas = entry('SCHEMA sales', 'ACL', 'GRANT ALL ON SCHEMA sales , public TO PUBLIC;', '-')
    expect(() => select(`${TABLE}${schemas}`, selectionOf({ schemas: ['sales'] }))).toThrow('does not belong')
  })

  it('sets no sequence there', () => {
    const set = `SELECT pg_catalog.setval('sales.s', 1, true), pg_catalog.setval('public.s', 1, true);`
    const dump = `${TABLE}${entry('s', 'SEQUENCE SET', set)}`
    expect(() => select(dump, selectionOf({ schemas: ['sales'] }))).toThrow('does not belong to its entry')
  })

  it('gives the rights that pg_dump writes', () => {
    for (const grant of [
      'GRANT SELECT(id),INSERT("a ""b""") ON TABLE sales.a TO app WITH GRANT OPTION;',
      'REVOKE ALL ON FUNCTION sales.f(x integer, y "odd) type") FROM PUBLIC;',
      'GRANT ALL ON FUNCTION sales.count(*) TO app;',
      'GRANT USAGE ON SCHEMA sales TO app;',
      'GRANT SELECT,USAGE ON SEQUENCE sales.s TO app;',
      'GRANT ALL ON TYPE sales.mood TO app;',
    ]) {
      const dump = `${TABLE}${entry('x', 'ACL', grant, grant.includes('SCHEMA') ? '-' : 'sales')}`
      expect(select(dump, selectionOf({ schemas: ['sales'] }))).toContain(grant)
    }
  })
})
