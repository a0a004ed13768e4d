import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const DOCUMENTS = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })]

it.each(DOCUMENTS)('every TypeScript file that %s names exists', document => {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const named = [...text.matchAll(/[\w./-]+\.ts\b/g)].map(([path]) => path)
  expect(named.filter(path => !existsSync(join(ROOT, path)))).toEqual([])
})

it.each(DOCUMENTS)('every link of %s to a file leads somewhere', document => {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const targets = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
  expect(targets.filter(target => !existsSync(join(ROOT, document, '..', target)))).toEqual([])
})
