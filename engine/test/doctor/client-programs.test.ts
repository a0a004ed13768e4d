import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  findClientPrograms,
  newestClientProgram,
} from '@telegram-backup/connectors/postgres/client-programs.ts'
import { checkPgDump } from '@telegram-backup/connectors/postgres/program-checks.ts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readConfig } from '#environment.ts'

let folder: string
const { signal } = new AbortController()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-programs-'))
  await writeProgram('path', 'pg_dump', '99.1')
  await writeProgram('path', 'psql', '99.1')
  await writeProgram('own', 'pg_dump', '14.2')
  vi.stubEnv('PATH', `${join(folder, 'path')}:${process.env['PATH']}`)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function writeProgram(where: string, name: string, version: string): Promise<void> {
  await mkdir(join(folder, where), { recursive: true })
  const script = `#!/bin/sh\necho '${name} (PostgreSQL) ${version}'\n`
  await writeFile(join(folder, where, name), script, { mode: 0o755 })
}

describe('TELEGRAM_BACKUP_PG_BIN', () => {
  it('names the folder whose programs come before newer ones elsewhere', async () => {
    expect((await findClientPrograms('pg_dump'))[0]).toMatchObject({ version: '99.1', isNamed: false })
    vi.stubEnv('TELEGRAM_BACKUP_PG_BIN', join(folder, 'own'))
    const [first, second] = await findClientPrograms('pg_dump')
    expect(first).toMatchObject({ path: join(folder, 'own', 'pg_dump'), version: '14.2', isNamed: true })
    expect(second).toMatchObject({ version: '99.1', isNamed: false })
    // What is not in it is found as ever.
    expect(await newestClientProgram('psql')).toMatchObject({ version: '99.1' })
  })

  it('is refused when it depends on the working folder', async () => {
    vi.stubEnv('TELEGRAM_BACKUP_PG_BIN', 'own')
    await expect(findClientPrograms('pg_dump')).rejects.toMatchObject({ code: 'CONFIGURATION' })
    expect(() => readConfig({ TELEGRAM_BACKUP_PG_BIN: 'own' })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', hint: expect.stringContaining('from the root') }),
    )
  })

  it('is shown by doctor, also when there is no pg_dump in it', async () => {
    vi.stubEnv('TELEGRAM_BACKUP_PG_BIN', join(folder, 'own'))
    expect((await checkPgDump(signal)).message).toContain(`14.2 (${join(folder, 'own')}), 99.1`)
    vi.stubEnv('TELEGRAM_BACKUP_PG_BIN', join(folder, 'empty'))
    expect((await checkPgDump(signal)).warning).toContain(join(folder, 'empty'))
  })
})
