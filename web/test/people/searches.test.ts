import { expect, it } from 'vitest'
import { readPeopleSearch } from '#screens/people/people-search.ts'
import { readProofSearch } from '#screens/proof/proof-search.ts'

it('an address is believed only as far as it makes sense', () => {
  const id = '8b8f6c1e-9a39-4d57-9d0e-2f0d3cf4c9aa'
  expect(readPeopleSearch({ tab: 'sessions', person: id, cursor: 'abc_-9' })).toEqual({
    tab: 'sessions',
    person: id,
    cursor: 'abc_-9',
  })
  expect(readPeopleSearch({ tab: '__proto__', person: '../../keys', cursor: '<b>' })).toEqual({})
  expect(readProofSearch({ project: 'shop', source: 'db.main', state: 'failed' })).toEqual({
    project: 'shop',
    source: 'db.main',
    state: 'failed',
  })
  expect(readProofSearch({ project: 'a b', source: '-x', state: 'toString', cursor: [7] })).toEqual({})
})
