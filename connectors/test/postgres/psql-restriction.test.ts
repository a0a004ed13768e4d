import { expect, it } from 'vitest'
import { knowsRestrict } from '#postgres/client-programs.ts'

it.each([
  ['13.21', false],
  ['13.22', true],
  ['14.18', false],
  ['14.19', true],
  ['15.13', false],
  ['15.14', true],
  ['16.9', false],
  ['16.10', true],
  ['17.5', false],
  ['17.6', true],
  ['17.12', true],
  ['18beta2', false],
  ['18.0', true],
  ['18.1', true],
  ['19.0', true],
  ['12.22', false],
])('psql %s knows \\restrict: %s', (version, knows) => {
  expect(knowsRestrict({ major: Number.parseInt(version, 10), version })).toBe(knows)
})
