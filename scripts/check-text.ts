// `npm run check:text`: what no linter of ours reads. Each rule says what it finds; scripts/test/check-text.test.ts plants a
// violation of each.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findTextFaults } from '#text/faults.ts'
import { sourceFiles } from '#text/source-files.ts'

const ROOT = join(import.meta.dirname, '..')

const faults = sourceFiles(ROOT).flatMap(file => findTextFaults(file, readFileSync(join(ROOT, file), 'utf8')))
for (const { file, line, rule, text } of faults) console.error(`${file}:${line}  ${rule}: ${text}`)
if (faults.length > 0) process.exitCode = 1
