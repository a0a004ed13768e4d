import { describe, expect, it } from 'vitest'
import { DumpFilter } from '#postgres/restore/selection/dump-filter.ts'
import { data, entry, select, selectionOf } from '#test/postgres/selected-dump.ts'

describe('a table of a dump', () => {
  it('must be empty for rows alone, also where the dump holds them as INSERT', () => {
    const dump = [
      entry('a', 'TABLE', 'CREATE TABLE sales.a (\n    id integer\n);'),
      entry('a', 'TABLE DATA', 'INSERT INTO sales.a VALUES (1);\nINSERT INTO sales.a VALUES (2);'),
    ].join('')
    for (const part of [{ tables: ['sales.a'] }, { schemas: ['sales'] }, {}]) {
      const filter = new DumpFilter(selectionOf({ ...part, only: 'rows' }), new Set())
      const sql = Buffer.concat([...filter.push(Buffer.from(dump)), ...filter.finish()]).toString()
      expect(sql.replaceAll('"', '').match(/is not empty|^INSERT.*$/gm)).toEqual([
        'is not empty',
        'INSERT INTO sales.a VALUES (1);',
        'INSERT INTO sales.a VALUES (2);',
      ])
    }
  })

  it('gets no row of a table that another schema holds, whatever the comment above says', () => {
    const dump = entry('a', 'TABLE DATA', 'INSERT INTO public.users VALUES (1);')
    for (const only of ['rows', undefined] as const) {
      const selection = selectionOf({ schemas: ['sales'], only })
      expect(() => select(dump, selection)).toThrow('does not belong to its entry a (TABLE DATA)')
    }
    const unnamed = entry('a', 'TABLE DATA', 'INSERT INTO users VALUES (1);')
    expect(() => select(unnamed, selectionOf({ only: 'rows' }))).toThrow('does not belong to its entry')
    expect(() => select(data('a', 'users', ''), selectionOf({ only: 'rows' }))).toThrow('does not belong')
  })

  it('that is a materialized view is filled as rows alone, and a view is said to have none', () => {
    const dump = [
      entry(
        'sums',
        'MATERIALIZED VIEW',
        'CREATE MATERIALIZED VIEW sales.sums AS\n SELECT 1 AS n\n  WITH NO DATA;',
      ),
      entry('plain', 'VIEW', 'CREATE VIEW sales.plain AS\n SELECT 1 AS n;'),
      entry('sums', 'MATERIALIZED VIEW DATA', 'REFRESH MATERIALIZED VIEW sales.sums;'),
    ].join('')
    const refresh = 'REFRESH MATERIALIZED VIEW "sales"."sums";'
    expect(select(dump, selectionOf({ tables: ['sales.sums'] }))).toContain(refresh)
    expect(select(dump, selectionOf({ tables: ['sales.sums'], only: 'definitions' }))).not.toContain(refresh)
    const rows = selectionOf({ tables: ['sales.sums', 'sales.plain'], only: 'rows' })
    expect(select(dump, rows)).toContain(refresh)
    expect(rows.broughtBack.remarks).toEqual([
      'the backup has no rows of sales.plain; nothing was restored into it',
    ])
  })
})
