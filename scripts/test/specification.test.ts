import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const table = readFileSync(join(ROOT, 'docs', 'specification.md'), 'utf8')
const proofs = [...table.matchAll(/`([^`]+\.test\.ts)`: "([^"]+)"/g)].map(([, file = '', name = '']) => ({
  file,
  name,
}))

it.each(proofs)('$file has the test "$name"', ({ file, name }) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toContain(name)
})

it('every row of the table names its proof', () => {
  const rows = table.split('\n').filter(line => /^\| (?!Criterion|-)/.test(line))
  expect(rows.length).toBeGreaterThan(15)
  expect(proofs.length).toBe(rows.length)
})
