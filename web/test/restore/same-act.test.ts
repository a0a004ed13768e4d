import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { restoreCommand, restoreRequest } from '#screens/restore/same-act.ts'

const ID = '6f05f939-9f5f-4bb0-a988-d46c9d838abd'
const HOSTILE = `it's $(touch /nowhere/x) "; rm -rf / #`

/** The words that a shell makes of a line whose program is the first of these. */
function wordsOf(line: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }; telegram-backup() { printf '%s\\0' "$@"; }; ${line}`
  return execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8', env: { KEY: 'tbk_secret' } })
    .split('\0')
    .slice(0, -1)
}

it('a shell gets the name of the target as it is, whatever is in it', () => {
  expect(wordsOf(restoreCommand(ID, { to: HOSTILE, overwrite: true }))).toEqual([
    'restore',
    ID,
    '--to',
    HOSTILE,
    '--overwrite',
  ])
  const request = { id: ID, target: HOSTILE, overwrite: true }
  const words = wordsOf(restoreRequest('https://host/below/api/v1', request))
  expect(words.at(-1)).toBe(`https://host/below/api/v1/backups/${ID}/restore`)
  expect(JSON.parse(words.at(-2) ?? '')).toEqual({ target: HOSTILE, overwrite: true })
  expect(words).toContain('Authorization: Bearer tbk_secret')
})
