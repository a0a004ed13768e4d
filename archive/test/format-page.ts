import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'format.md'), 'utf8')

/** The text of docs/format.md below a heading, up to the next one. */
function sectionOf(heading: string, level = '###'): string {
  const [, section = ''] = page.split(`\n${level} ${heading}\n`)
  return section.split(/^##/m)[0] ?? ''
}

/** Compares all bytes that a worked example shows with these, and gives its JSON. */
export function shownIn(heading: string, bytes: Buffer): unknown {
  const section = sectionOf(heading)
  const shown = [...section.matchAll(/^([0-9a-f]{8}) {2}((?:[0-9a-f]{2} ?)+)/gm)]
  expect(shown.length).toBeGreaterThan(8)
  for (const [, offset = '', hex = ''] of shown) {
    const expected = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    const start = Number.parseInt(offset, 16)
    expect(bytes.subarray(start, start + expected.length).toString('hex'), offset).toBe(
      expected.toString('hex'),
    )
  }
  return JSON.parse(/^```json\n([^`]+)```/m.exec(section)?.[1] ?? '')
}

/** The script below a heading. */
export function scriptIn(heading: string, level?: string): string {
  return /^```bash\n([^`]+)```/m.exec(sectionOf(heading, level))?.[1] ?? ''
}
