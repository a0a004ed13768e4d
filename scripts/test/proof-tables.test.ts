import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')

describe.each([
  ['specification.md', 18],
  ['rules.md', 12],
])('docs/%s', (document, rowCount) => {
  const table = readFileSync(join(ROOT, 'docs', document), 'utf8')
  const rows = table.split('\n').filter(line => /^\| (?!Criterion|Rule|-)/.test(line))
  const proofs = [...table.matchAll(/`([^`]+\.test\.ts)`: "([^"]+)"/g)].map(([, file = '', name = '']) => ({
    file,
    name,
  }))

  it.each(proofs)('$file has the test "$name"', ({ file, name }) => {
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(name)
  })

  it('names a proof in every row', () => {
    expect(rows).toHaveLength(rowCount)
    expect(proofs).toHaveLength(rowCount)
  })
})
