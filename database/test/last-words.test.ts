import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { endedWith } from '#embedded/last-words.ts'

// Taken from runs on a full tmpfs and of a user without an entry in /etc/passwd.
const FULL_DISK = `2026-11-24 13:45:32.173 UTC [15906] FATAL:  could not write to file "pg_wal/xlogtemp.15906": No space left on device
2026-11-24 13:45:32.173 UTC [15903] LOG:  startup process (PID 15906) exited with exit code 1
2026-11-24 13:45:32.177 UTC [15903] LOG:  database system is shut down
`
const NO_ACCOUNT = 'initdb: error: could not look up effective user ID 4242: user does not exist\n'

test('the fatal line is the reason, not the farewell after it, and a full disk is named', () => {
  const error = endedWith('postgres', FULL_DISK, tmpdir())
  expect(error.message).toMatch(/^postgres ended: .*No space left on device$/)
  expect(error).toMatchObject({
    code: 'CATALOG',
    hint: expect.stringContaining('Free room on the disk of the state folder'),
  })
})

test('a user without an account is a matter of configuration', () => {
  expect(endedWith('initdb', NO_ACCOUNT, tmpdir())).toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringContaining('user ID 4242'),
    hint: expect.stringContaining('/etc/passwd'),
  })
})

test('silence is named as such', () => {
  expect(endedWith('postgres', '', tmpdir()).message).toBe('postgres ended: without a message')
  expect(endedWith('postgres', 'something odd\n', tmpdir()).message).toBe('postgres ended: something odd')
})
