import { expect, test } from 'vitest'
import { isServerGone, toCatalogError } from '#catalog-error.ts'

test.each([
  ['57P05', 'terminating connection due to idle-session timeout'],
  ['25P04', 'terminating connection due to transaction timeout'],
])('a connection that the server closed by a limit of its own (%s) is one that was lost', (code, words) => {
  const error = Object.assign(new Error(words), { code })
  expect(isServerGone(error)).toBe(true)
  expect(toCatalogError(error)).toMatchObject({
    code: 'CATALOG',
    message: 'The connection to the catalog was lost',
  })
})
