import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')

/** Each rule is broken on purpose once: a check that passes silently checks nothing. */
const PLANTED: readonly [file: string, source: string, rule: string][] = [
  ['archive/src/planted-1.ts', "import '@telegram-backup/database'", 'archive-imports-only-what-it-may'],
  [
    'telegram-service/src/planted-2.ts',
    "import type { Database } from '@telegram-backup/database'\nexport type X = Database",
    'telegram-service-imports-only-what-it-may',
  ],
  ['database/src/planted-3.ts', "import '@telegram-backup/archive'", 'database-imports-only-what-it-may'],
  [
    'bot-api-emulator/src/planted-4.ts',
    "import 'telegram-deployment-bot'",
    'bot-api-emulator-imports-only-what-it-may',
  ],
  ['errors/src/planted-5.ts', "import '@telegram-backup/archive'", 'errors-imports-only-what-it-may'],
  [
    'connectors/src/planted-6.ts',
    "import '@telegram-backup/database'",
    'connectors-imports-only-what-it-may',
  ],
  [
    'connectors/src/planted-7.ts',
    "import 'telegram-deployment-bot'",
    'connectors-imports-types-alone-of-telegram-service',
  ],
  ['vault/src/planted-8.ts', "import '@telegram-backup/engine/wiring.ts'", 'vault-imports-only-what-it-may'],
  [
    'engine/src/planted-9.ts',
    "import '@telegram-backup/api-gateway/http/listen.ts'",
    'engine-imports-only-what-it-may',
  ],
  [
    'api-gateway/src/http/planted-10.ts',
    "import 'telegram-deployment-bot'",
    'api-gateway-imports-only-what-it-may',
  ],
  [
    'cli/src/commands/planted-11.ts',
    "import '@telegram-backup/vault/fetch/fetch-plan.ts'",
    'cli-imports-only-what-it-may',
  ],
  ['web/src/planted-29.tsx', "import '@telegram-backup/errors'", 'web-imports-only-what-it-may'],
  ['web/src/shell/planted-30.tsx', "import '../main.tsx'", 'no-relative-imports'],
  [
    'api-gateway/src/lib/backups/planted-12.ts',
    "import '@telegram-backup/connectors/connector.ts'",
    'api-gateway-src-lib-imports-only-what-it-may',
  ],
  [
    'cli/src/serve/planted-13.ts',
    "import '@telegram-backup/archive'",
    'cli-src-serve-imports-only-what-it-may',
  ],
  ['connectors/src/directory/planted-14.ts', "import '#postgres/psql.ts'", 'a-kind-of-source-knows-no-other'],
  [
    'engine/src/planted-27.ts',
    "import '@telegram-backup/connectors/postgres/psql.ts'",
    'a-kind-of-source-is-reached-by-the-registry',
  ],
  ['engine/src/planted-15.ts', "import 'pg'", 'pg-is-known-to-database-alone'],
  ['vault/src/planted-16.ts', "import 'kysely'", 'kysely-is-known-to-database-alone'],
  ['cli/src/planted-17.ts', "import 'pg-boss'", 'pg-boss-is-known-to-engine-alone'],
  ['engine/src/planted-18.ts', "import 'express'", 'express-is-known-to-api-gateway-alone'],
  ['engine/src/planted-19.ts', "import 'commander'", 'commander-is-known-to-cli-alone'],
  ['cli/src/planted-28.ts', "import 'react'", 'react-is-known-to-web-alone'],
  ['archive/src/planted-20.ts', "import 'commander'", 'archive-is-built-on-age-alone'],
  ['archive/src/planted-21.ts', "import '#no-such-file.ts'", 'nothing-unresolved'],
  ['database/src/planted-22.ts', "import './migrate.ts'", 'no-relative-imports'],
  ['database/src/planted-23.ts', "import 'vitest'", 'declared-dependencies-only'],
  ['archive/src/planted-24.ts', "import '#planted-24.ts'", 'no-circles'],
  ['archive/src/planted-25.ts', "import '#test/sample-archives.ts'", 'production-code-knows-no-tests'],
  [
    'vault/src/planted-26.ts',
    "import '@telegram-backup/test-support/vault.ts'",
    'production-code-knows-no-tests',
  ],
]

/** Two files in either of two folders: no file is in a circle, but the folders are. */
const CIRCLE = {
  'vault/src/planted-a/one.ts': "import '#planted-b/one.ts'",
  'vault/src/planted-b/one.ts': 'export const one = 1',
  'vault/src/planted-b/two.ts': "import '#planted-a/two.ts'",
  'vault/src/planted-a/two.ts': 'export const two = 2',
}

const written: string[] = []
/** `rule: file` of each violation. */
let found: string[]

// All at once: a run of the check takes seconds.
beforeAll(() => {
  const files = { ...Object.fromEntries(PLANTED.map(([file, source]) => [file, source])), ...CIRCLE }
  for (const [file, source] of Object.entries(files)) plant(file, source)
  const check = join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs')
  const folders = new Set(Object.keys(files).map(file => file.split('/')[0] as string))
  const args = [check, '--config', '.dependency-cruiser.js', '--output-type', 'json', ...folders]
  const { stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28 })
  const { summary } = JSON.parse(stdout) as {
    summary: { violations: { from: string; rule: { name: string } }[] }
  }
  found = summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`)
})

afterAll(() => {
  for (const path of written) rmSync(path, { recursive: true, force: true })
})

/** Writes a file that is gone in the end, with the folder that it needs. */
function plant(file: string, source: string): void {
  const path = join(ROOT, file)
  const folder = dirname(path)
  written.push(existsSync(folder) ? path : folder)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, `${source}\n`)
}

it.each(PLANTED)('%s with %s is found', (file, _source, rule) => {
  expect(found).toContain(`${rule}: ${file}`)
})

it('a circle of two folders is found, although no file is in a circle', () => {
  expect(found).toContain('no-circles-of-folders: vault/src/planted-a')
  expect(found.filter(one => /^no-circles: .*planted-[ab]/.test(one))).toEqual([])
})
