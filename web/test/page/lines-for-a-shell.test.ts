import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { restoreCommand, restoreRequest } from '#screens/restore/same-act.ts'

const ID = '6f05f939-9f5f-4bb0-a988-d46c9d838abd'

/** What a shell would give to the programs, which are functions here that print their words. */
function wordsIn(line: string): string[] {
  const say = `() { for word; do printf '%s\\0' "$word"; done; }`
  return execFileSync('sh', ['-c', `say${say}\n${line.replace(/^(?:telegram-backup|curl)/, 'say')}`], {
    encoding: 'utf8',
    env: { KEY: 'key' },
  })
    .split('\0')
    .slice(0, -1)
}

it('a shell that is given the lines runs nothing but them', () => {
  const hostile = ["'; id; '", '$(id)', '`id`', '\n id', '~', '*', '--yes', '#', '!!', '\\', '"', '']
  const target = fc.oneof(
    fc.constantFrom(...hostile),
    fc.string({ unit: fc.constantFrom(...`'"\\$\`~*?;&|<>(){}[]! \n\tя-`), maxLength: 12 }),
  )
  fc.assert(
    fc.property(target, to => {
      expect(wordsIn(restoreCommand(ID, { to, overwrite: true }))).toEqual([
        ...['restore', ID, '--to', to, '--overwrite'],
      ])
      const sent = wordsIn(restoreRequest('https://host/api/v1', { id: ID, target: to, overwrite: false }))
      expect(sent).toContain('Authorization: Bearer key')
      expect(JSON.parse(sent.at(-2) ?? '')).toEqual({ target: to })
      expect(sent.at(-1)).toBe(`https://host/api/v1/backups/${ID}/restore`)
    }),
    { numRuns: 40 },
  )
})
