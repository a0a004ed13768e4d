import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const planted: string[] = []

afterEach(() => {
  for (const file of planted.splice(0)) rmSync(file, { force: true })
})

/** Runs the boundary check over one package with a file in it that breaks a rule; returns what the check says. */
function checkWith(file: string, source: string): string {
  const path = join(ROOT, file)
  planted.push(path)
  writeFileSync(path, source)
  const depcruise = join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs')
  const folder = file.split('/')[0] as string
  const { stdout, status } = spawnSync(
    process.execPath,
    [depcruise, '--config', '.dependency-cruiser.js', folder],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  )
  return status === 0 ? 'nothing was found' : stdout
}

// A boundary check that passes silently checks nothing; so each rule is broken on purpose once.
it.each([
  ['archive/src/planted.ts', "import '@telegram-backup/database'", 'archive-imports-only-what-it-may'],
  [
    'telegram-service/src/planted.ts',
    "import type { Database } from '@telegram-backup/database'\nexport type X = Database",
    'telegram-service-imports-only-what-it-may',
  ],
  ['archive/src/planted.ts', "import 'commander'", 'archive-is-built-on-age-alone'],
  ['archive/src/planted.ts', "import '#no-such-file.ts'", 'nothing-unresolved'],
  ['database/src/planted.ts', "import './migrate.ts'", 'no-relative-imports'],
  ['database/src/planted.ts', "import 'vitest'", 'declared-dependencies-only'],
  ['database/src/planted.ts', "import '@telegram-backup/archive'", 'database-imports-only-what-it-may'],
  [
    'bot-api-emulator/src/planted.ts',
    "import 'telegram-deployment-bot'",
    'bot-api-emulator-imports-only-what-it-may',
  ],
  ['archive/src/planted.ts', "import '#planted.ts'", 'no-circles'],
  [
    'connectors/src/postgres/planted.ts',
    "import '#directory/tar-program.ts'",
    'a-kind-of-source-knows-no-other',
  ],
  [
    'engine/src/planted.ts',
    "import '@telegram-backup/connectors/postgres/psql.ts'",
    'a-kind-of-source-is-reached-by-the-registry',
  ],
  ['archive/src/planted.ts', "import '#test/sample-archives.ts'", 'production-code-knows-no-tests'],
  [
    'api-gateway/src/cli/planted.ts',
    "import '@telegram-backup/bot-api-emulator'",
    'only-wiring-opens-adapters',
  ],
  ['api-gateway/src/lib/backups/planted.ts', "import '#cli/output.ts'", 'the-library-knows-no-command-line'],
])('%s with %s is found', (file, source, rule) => {
  expect(checkWith(file, `${source}\n`)).toContain(rule)
})
