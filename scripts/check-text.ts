// `npm run check:text` checks the rules that no linter of ours knows: see scripts/text/faults.ts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findTextFaults } from '#text/faults.ts'
import { sourceFiles } from '#text/source-files.ts'

const ROOT = join(import.meta.dirname, '..')

const faults = sourceFiles(ROOT).flatMap(file => findTextFaults(file, readFileSync(join(ROOT, file), 'utf8')))
for (const { file, line, rule, text } of faults) console.error(`${file}:${line}  ${rule}: ${text}`)
if (faults.length > 0) process.exitCode = 1
