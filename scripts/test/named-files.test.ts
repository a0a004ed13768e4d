import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const DOCUMENTS = globSync(['README.md', 'docs/**/*.md', '*/README.md', '*/src/**/README.md'], { cwd: ROOT })

/** A document names a file from the root of the project, from its own folder, or from the `src` of its package. */
const exists = (document: string, path: string): boolean =>
  [ROOT, join(ROOT, document, '..'), join(ROOT, document.split('/')[0] ?? '', 'src')].some(folder =>
    existsSync(join(folder, path)),
  )

// connectors/README.md names files of a kind that does not exist yet.
it.each(DOCUMENTS.filter(path => path !== 'connectors/README.md'))(
  'every TypeScript file that %s names exists',
  document => {
    const text = readFileSync(join(ROOT, document), 'utf8')
    const named = [...text.matchAll(/[\w./-]+\.ts\b/g)].map(([path]) => path)
    expect(named.filter(path => !exists(document, path))).toEqual([])
  },
)

it.each(DOCUMENTS)('every link of %s to a file leads somewhere', document => {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const targets = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
  expect(targets.filter(target => !existsSync(join(ROOT, document, '..', target)))).toEqual([])
})
