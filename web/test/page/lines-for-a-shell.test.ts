import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { restoreCommand, restoreRequest, restoreTableCommand } from '#screens/restore/same-act.ts'

const ID = '6f05f939-9f5f-4bb0-a988-d46c9d838abd'
const CHARACTERS = [...`'"\\$\`~*?;&|<>(){}[]! \n\t\u001b\u0003\u009bя-`]
const HOSTILE = ["'; id; '", '$(id)', '`id`', '\n id', '~', '*', '--yes', '#', '!!', '\\', '"', '']

/** What a shell gives to the programs of the lines, which are a function here that prints its words. */
function wordsIn(lines: readonly string[]): string[][] {
  const say = `say() { for word; do printf '%s\\0' "$word"; done; printf '\\1\\0'; }`
  const script = lines.map(line => line.replace(/^(?:telegram-backup|curl)/, 'say')).join('\n')
  const said = execFileSync('bash', ['--norc', '-c', `${say}\n${script}`], {
    encoding: 'utf8',
    env: { KEY: 'key' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return said
    .split('\u0001\0')
    .slice(0, -1)
    .map(words => words.split('\0').slice(0, -1))
}

it('a shell that is given the lines runs nothing but them', () => {
  const name = fc.oneof(
    fc.constantFrom(...HOSTILE),
    fc.string({ unit: fc.constantFrom(...CHARACTERS), maxLength: 12 }),
  )
  fc.assert(
    fc.property(fc.array(name, { minLength: 20, maxLength: 40 }), names => {
      const lines = names.flatMap(to => [
        restoreCommand(ID, { to, overwrite: true }),
        restoreTableCommand(ID, { to: 'staging', table: to }),
        restoreRequest('https://host/api/v1', { id: ID, target: to, overwrite: false }),
      ])
      // A terminal obeys those before a shell reads them.
      for (const line of lines) expect(line.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
      const expected = names.flatMap(to => [
        ['restore', ID, '--to', to, '--overwrite'],
        ['restore', ID, '--to', 'staging', '--table', to, '--as', `${to}_restored`],
        [
          ...['--fail-with-body', '-X', 'POST', '-H', 'Authorization: Bearer key'],
          ...['-H', 'Content-Type: application/json', '-d', JSON.stringify({ target: to })],
          `https://host/api/v1/backups/${ID}/restore`,
        ],
      ])
      expect(wordsIn(lines)).toEqual(expected)
    }),
    { numRuns: 5 },
  )
})
