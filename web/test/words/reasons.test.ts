import { describe, expect, it } from 'vitest'
import { reasonWords } from '#screens/overview/reason-words.ts'
import { en } from '#words/en/index.ts'

const PAGES = import.meta.glob<string>('/docs/{status,monitoring}.md', {
  query: '?raw',
  import: 'default',
  eager: true,
})

describe('words of the reasons', () => {
  it('has each reason and each kind of alert that the documents name', () => {
    const named = Object.values(PAGES).flatMap(page => {
      // Metrics stand in a table as well.
      const [before = ''] = page.split('## Metrics')
      return [...before.matchAll(/^\| `([a-z]+_[a-z_]+)` +\|/gm)].map(([, code = '']) => code)
    })
    expect(named.length).toBeGreaterThan(15)
    expect(named.filter(code => reasonWords(code, en) === undefined)).toEqual([])
  })

  it('leaves a code of a later version to the words of the server', () => {
    expect(reasonWords('toString', en)).toBeUndefined()
  })
})
