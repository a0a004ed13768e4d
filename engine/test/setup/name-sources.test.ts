import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { CONFIG_FILE_SCHEMA } from '#config/config-file-schema.ts'
import { expandVariables } from '#config/config-variables.ts'
import { nameSources, plainName } from '#setup/name-sources.ts'

const PLACE = fc.record({
  place: fc.string({ unit: 'binary' }).map(text => `/${text.replaceAll('${', '')}`),
  name: fc.string({ unit: 'binary' }),
  password: fc.option(
    // Blanks around a password are refused where it is typed: a setting loses them.
    fc.string({ unit: 'grapheme' }).filter(text => text !== '' && text === text.trim()),
    { nil: undefined },
  ),
})

it('whatever others named their databases and folders, the file holds each of them once, and no password', () => {
  fc.assert(
    fc.property(fc.array(PLACE), fc.array(fc.string().map(plainName)), (given, taken) => {
      const places = given.map(({ place, name, password }) => ({
        ...{ setting: 'directory', type: 'storage' as const, place, name },
        secret: password === undefined ? undefined : { value: password, placeWith: of(place) },
      }))
      const { sources, secrets } = nameSources(places, { project: 'shop', taken })
      const text = stringify({ sources }, { lineWidth: 0 })
      const read = CONFIG_FILE_SCHEMA.parse(parse(text)).sources
      const names = Object.keys(read)
      expect(names).toHaveLength(given.length)
      expect(names.filter(name => taken.includes(name))).toEqual([])
      const filled = names.map(name => expandVariables(read[name], secrets, name)?.directory)
      const whole = given.map(({ place, password = '' }) => place + password)
      // A number as a name comes first in an object of JavaScript.
      expect(filled.sort()).toEqual(whole.sort())
    }),
  )
})

function of(place: string): (variable: string) => string {
  return variable => `${place}\${${variable}}`
}

it('a name made of any text is one that the program accepts', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
      expect(plainName(text)).toMatch(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
    }),
  )
  expect(plainName('../../etc')).toBe('etc')
})
