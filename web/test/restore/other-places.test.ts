import { expect, it } from 'vitest'
import { newTargetFor } from '#screens/restore/new-target.ts'
import { recordedTables } from '#screens/restore/recorded-tables.ts'
import { restoreFormOf } from '#screens/restore/restore-form.ts'

it('a backup comes back as what it was, by its record or its file name', () => {
  const formOf = (kind: string | undefined, type: 'database' | 'storage', filename: string) =>
    restoreFormOf({ source: kind === undefined ? null : { kind }, type, filename })
  expect(formOf('postgres', 'database', 'shop.sql')).toBe('database')
  expect(formOf('directory', 'storage', 'uploads.tar')).toBe('directory')
  expect(formOf('file', 'storage', 'uploads.tar')).toBe('directory')
  expect(formOf('file', 'database', 'shop.sql')).toBe('database')
  expect(formOf(undefined, 'storage', 'disk.img')).toBe('file')
})

it('a new target has names that the configuration file takes, whatever the source is called', () => {
  const shop = newTargetFor({ source_name: 'shop', project_id: 'p' })
  expect(shop.yaml.directory).toContain('    directory: "/srv/shop-restored"\n')
  expect(shop.yaml.database).toBe(
    [
      'targets:',
      '  shop-restored:',
      '    postgres: "postgresql://USER@HOST/shop_restored"',
      '    project: "p"',
    ].join('\n'),
  )
  expect(
    newTargetFor({ source_name: 'shop', project_id: 'p' }, ['shop-restored', 'x']).yaml.database,
  ).toContain('  shop-restored2:\n')
  const { url, yaml } = newTargetFor({ source_name: `a"\n b${'x'.repeat(64)}`, project_id: 'p' })
  expect(url).toMatch(/^postgresql:\/\/USER@HOST\/\w+$/)
  const [, name = ''] = /^ {2}(.+):$/m.exec(yaml.database) ?? []
  expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
})

it('tables and rows are told only where every table was counted', () => {
  const of = (contents: object) => recordedTables({ source: { kind: 'postgres', contents } })
  const rows = [
    ['sales', 'orders', 500],
    ['public', 't', 2],
  ]
  expect(of({ tables: 2, counted: 2, rows })).toEqual({
    ...{ tables: 2, rows: 502, isWhole: true },
    names: ['sales.orders', 'public.t'],
  })
  const others = { tables: 3, rows: 10 }
  expect(of({ tables: 5, counted: 5, rows, others })).toMatchObject({ rows: 512, isWhole: true })
  expect(of({ tables: 5, counted: 5, rows })?.isWhole).toBe(false)
  expect(of({ tables: 2, counted: 1, rows: [...rows.slice(1), ['a', 'b', null]] })?.isWhole).toBe(false)
  for (const wrong of [{}, { tables: '2', rows }, { tables: 2 }]) expect(of(wrong)).toBeUndefined()
  expect(recordedTables({ source: null })).toBeUndefined()
  expect(of({ tables: 1, counted: 1, rows: [[1, 2, 3], 'x'] })?.isWhole).toBe(false)
})
