import { defaultParseSearch, defaultStringifySearch } from '@tanstack/react-router'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readAuditSearch } from '#screens/audit/audit-search.ts'
import { backupQuery, readBackupSearch } from '#screens/backups/backup-search.ts'
import { readJobsSearch } from '#screens/jobs/jobs-search.ts'
import { readPeopleSearch } from '#screens/people/people-search.ts'
import { readProofSearch } from '#screens/proof/proof-search.ts'
import { readRestoreSearch, stepOf } from '#screens/restore/restore-search.ts'
import { readSchedulesSearch } from '#screens/schedules/schedules-search.ts'
import { only } from '#shell/search.ts'

const READERS = {
  backups: readBackupSearch,
  jobs: readJobsSearch,
  audit: readAuditSearch,
  people: readPeopleSearch,
  proof: readProofSearch,
  restore: readRestoreSearch,
  schedules: readSchedulesSearch,
} as const satisfies Record<string, (raw: Record<string, unknown>) => object>

const NAMES = [
  'project',
  'type',
  'state',
  'tag',
  'from',
  'to',
  'cursor',
  'calendar',
  'kind',
  'source',
  'actor',
]
const MORE = ['act', 'object', 'tab', 'person', 'target', 'overwrite', 'step', 'job', 'sort', 'add', 'change']
const HOSTILE = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'page', 'utm_source']
const VALUES = ['1e309', '-1e309', 'true', 'null', '[]', '["a"]', '{"a":1}', '"7"', '7', '%E0%A4%A', '\u0000']
/** Parameters that anybody may have written into an address. */
const ADDRESS = fc
  .array(
    fc.tuple(
      fc.constantFrom(...NAMES, ...MORE, ...HOSTILE, 'retention'),
      fc.oneof(fc.constantFrom(...VALUES, ...HOSTILE), fc.string({ unit: 'binary', maxLength: 300 })),
    ),
    { maxLength: 8 },
  )
  .map(pairs => `?${new URLSearchParams(pairs)}`)

/** As the router has it in the end: its own reading, and over that what the route reads. */
function searchAt(address: string, read: (raw: Record<string, unknown>) => object): Record<string, unknown> {
  const raw = defaultParseSearch(address)
  return { ...raw, ...only(read)({ ...raw }) }
}

describe.each(Object.entries(READERS))('the parameters of %s', (_, read) => {
  it('are texts and marks that the screen knows, whatever the address says', () => {
    fc.assert(
      fc.property(ADDRESS, address => {
        for (const [name, value] of Object.entries(searchAt(address, read))) {
          if (value === undefined) continue
          expect(HOSTILE).not.toContain(name)
          expect(value === true || typeof value === 'string', `${name}: ${JSON.stringify(value)}`).toBe(true)
          if (typeof value === 'string') expect(value.length).toBeLessThanOrEqual(200)
        }
      }),
    )
  })

  it('stay what they are when the page writes them into the address', () => {
    fc.assert(
      fc.property(ADDRESS, address => {
        const search = searchAt(address, read)
        const again = searchAt(`?${defaultStringifySearch(search).replace(/^\?/, '')}`, read)
        expect(JSON.parse(JSON.stringify(again))).toEqual(JSON.parse(JSON.stringify(search)))
      }),
    )
  })
})

it('what the list of backups does not know reaches neither the screen nor the API', () => {
  const search = searchAt('?type=nonsense&state=["complete"]&utm_source=x&tag=7', readBackupSearch)
  expect(JSON.parse(JSON.stringify(backupQuery(search)))).toEqual({ tag: '7' })
})

it('an unknown step of the assistant is the one that its other parameters lead to', () => {
  expect(stepOf(searchAt('?target=back&step=toString&overwrite=1', readRestoreSearch))).toBe('plan')
})
