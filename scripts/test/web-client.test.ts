import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openApiDocument } from '#web/api-document.ts'
import { generateClient } from '#web/generate-client.ts'

const COMMITTED = join(import.meta.dirname, '..', '..', 'web', 'src', 'api', 'generated')

function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.gen.ts'),
  )
  return Object.fromEntries(files.map(file => [file, readFileSync(join(folder, file), 'utf8')]))
}

test('the client of the page is what the HTTP API of now gives: npm run web:client', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'web-client-'))
  try {
    await generateClient(await openApiDocument(), folder)
    const [committed, generated] = [filesOf(COMMITTED), filesOf(folder)]
    expect(Object.keys(committed).toSorted()).toEqual(Object.keys(generated).toSorted())
    for (const [file, text] of Object.entries(generated)) expect(committed[file], file).toBe(text)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
