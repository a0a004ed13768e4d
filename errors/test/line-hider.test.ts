import { expect, test } from 'vitest'
import { HIDDEN, lineHider } from '#redaction.ts'

test('a private key is hidden to its last line, and what comes after it is not', () => {
  const lines = [
    'begins',
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ',
    'AAAAMwAAAAtzc2gtZW',
    '-----END OPENSSH PRIVATE KEY-----',
    'token=abcdefghijk',
    'ends',
  ]
  const hide = lineHider()
  const hidden = new Array<string>(4).fill(HIDDEN)
  expect(lines.map(line => hide(line))).toEqual(['begins', ...hidden, `token=${HIDDEN}`, 'ends'])
})
