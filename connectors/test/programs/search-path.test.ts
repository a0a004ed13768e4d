import { expect, test } from 'vitest'
import { searchPath } from '#programs/environment.ts'

test('a PATH without an absolute folder is the system’s own', () => {
  for (const PATH of [undefined, '', '.', ':', 'bin:./sbin:'])
    expect(searchPath({ PATH })).toBe('/usr/bin:/bin')
  expect(searchPath({ PATH: '/opt/a/bin:.:/usr/bin::bin' })).toBe('/opt/a/bin:/usr/bin')
})
