import { expect, test } from 'vitest'
import { pageWith } from '#bench/report.ts'

const OLD_PAGE = `# Performance

An older introduction.

## Backups

Machine: one, 2026-11-26.

### What each measure means

- Words.

## Doors

Machine: another, 2026-12-02.
`

test('a part writes its own section of the page and leaves that of the other part as it is', () => {
  const page = pageWith(OLD_PAGE, { part: 'doors', section: '## Doors\n\nMachine: a third, 2026-12-03.\n' })
  expect(page).toContain('npm run bench')
  expect(page).not.toContain('An older introduction.')
  expect(page.slice(page.indexOf('## Backups'))).toBe(
    '## Backups\n\nMachine: one, 2026-11-26.\n\n### What each measure means\n\n- Words.\n\n' +
      '## Doors\n\nMachine: a third, 2026-12-03.\n',
  )
})

test('a part that the page does not have yet comes in its place', () => {
  const [introductionAndBackups = ''] = OLD_PAGE.split('## Doors')
  const page = pageWith(introductionAndBackups, { part: 'doors', section: '## Doors\n\nNew.' })
  expect(page.match(/^## .*/gm)).toEqual(['## Backups', '## Doors'])
  expect(page.endsWith('## Doors\n\nNew.\n')).toBe(true)
})
