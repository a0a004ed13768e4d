import { expect, it } from 'vitest'
import { findTextFaults } from '#text/faults.ts'

const OWN_WORDS = 'words of the command line below the faces'
const ADAPTER = 'an adapter that is made elsewhere'
const LONG_COMMENT = 'a long comment'

/** Each rule is broken on purpose: a check that passes silently checks nothing. */
it.each([
  ['an option in a message', 'vault/src/planted.ts', "throw new Error('give --signer once more')", OWN_WORDS],
  ['a command in a text', 'engine/src/planted.ts', "const text = 'run telegram-backup list now'", OWN_WORDS],
  [
    'a command in a template',
    'archive/src/planted.ts',
    `const t = \`\${1}; run telegram-backup list now\``,
    OWN_WORDS,
  ],
  ['a client', 'api-gateway/src/http/planted.ts', 'export const client = createTelegramClient({})', ADAPTER],
  ['a catalog', 'cli/src/commands/planted.ts', 'export const database = openDatabase({})', ADAPTER],
  ['a service', 'vault/src/planted.ts', 'export const service = new BackupService({})', ADAPTER],
  ['a queue', 'engine/src/jobs/planted.ts', 'export const boss = new PgBoss({})', ADAPTER],
  ['a comment of 111 columns', 'cli/test/planted.test.ts', `// ${'x'.repeat(108)}`, LONG_COMMENT],
  ['the same in a block', 'scripts/planted.ts', `/**\n * ${'x'.repeat(108)}\n */`, LONG_COMMENT],
])('%s in %s is found', (_, file, source, rule) => {
  expect(findTextFaults(file, source).map(fault => fault.rule)).toEqual([rule])
})

it.each([
  [
    'a message of the command line',
    'cli/src/commands/planted.ts',
    "throw new Error('give --signer once more')",
  ],
  [
    'an option of another program',
    'connectors/src/planted.ts',
    "throw new Error('start it with --local once')",
  ],
  ['an argument of a program', 'connectors/src/planted.ts', "const args = ['--no-owner']"],
  [
    'a session in SQL',
    'connectors/src/planted.ts',
    "const sql = `set local name = 'telegram-backup count' now`",
  ],
  [
    'the name of the program',
    'vault/src/planted.ts',
    "const text = 'another telegram-backup on that machine'",
  ],
  ['an adapter in the wiring', 'engine/src/wiring.ts', 'export const client = createTelegramClient({})'],
  ['an adapter in a test', 'vault/test/planted.test.ts', 'export const database = openDatabase({})'],
  ['a comment of 110 columns', 'vault/src/planted.ts', `// ${'x'.repeat(107)}`],
])('%s in %s is allowed', (_, file, source) => {
  expect(findTextFaults(file, source)).toEqual([])
})
