import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const DOCUMENTS = ['README.md', 'vault/README.md', ...globSync('docs/**/*.md', { cwd: ROOT })]
/** Where a document may find what it names: the root, and for the README of a package its source. */
const placesOf = (document: string): string[] => [ROOT, join(ROOT, document, '..', 'src')]

it.each(DOCUMENTS)('every TypeScript file that %s names exists', document => {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const named = [...text.matchAll(/[\w./-]+\.ts\b/g)].map(([path]) => path)
  const isThere = (path: string): boolean => placesOf(document).some(place => existsSync(join(place, path)))
  expect(named.filter(path => !isThere(path))).toEqual([])
})

it.each(DOCUMENTS)('every link of %s to a file leads somewhere', document => {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const targets = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
  expect(targets.filter(target => !existsSync(join(ROOT, document, '..', target)))).toEqual([])
})
