import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlRunner } from '@telegram-backup/database'
import type { TestCatalog, TestVault } from '@telegram-backup/test-support/vault.ts'
import { openTestCatalog, openTestVault } from '@telegram-backup/test-support/vault.ts'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProgram } from '#cli.ts'
import { COMPLETED_OPTIONS, wantedWord } from '#completion/wanted-word.ts'
import { callCli } from '#test/call-cli.ts'

const SILENT = { stdout: { write: () => {} }, stderr: { write: () => {} } }
const program = createProgram(async () => {}, SILENT)

function every(command: Command): Command[] {
  return [command, ...command.commands.flatMap(every)]
}

function wordsFor(...words: string[]): string[] {
  const wanted = wantedWord(program, words)
  const current = words.at(-1) ?? ''
  return wanted.kind === 'words'
    ? wanted.candidates.map(({ word }) => word).filter(word => word.startsWith(current))
    : [wanted.kind === 'names' ? `${wanted.before}<${wanted.of}>` : `${wanted.before}<${wanted.kind}>`]
}

describe('what may stand at the cursor', () => {
  it.each([
    ['a command', ['sh'], ['show']],
    ['a command of a group', ['schedule', 're'], ['remove']],
    ['an option of that command alone', ['erase', '--ev'], ['--even-the-last']],
    ['a choice', ['send', '--type', ''], ['database', 'storage', 'logs']],
    ['a choice in the same word', ['send', '--type=lo'], ['--type=logs']],
    ['the states of a job, not of a backup', ['jobs', 'list', '--state', 'q'], ['queued']],
    ['the kind of a bucket', ['bucket', 'create', 'laptops', '--kind', ''], ['restic']],
    ['the scope of a door key', ['doorkey', 'create', '--scope', ''], ['read', 'append', 'full']],
    ['the scope of an API key', ['apikey', 'create', '--scope=re'], ['--scope=read', '--scope=restore']],
    ['a source', ['send', '--source', ''], ['<source>']],
    ['a source in the same word', ['send', '--source=s'], ['--source=<source>']],
    ['a target', ['restore', 'latest', '--to', ''], ['<target>']],
    ['a backup, also after options', ['show', '--json', ''], ['<backup>']],
    ['the second backup of two', ['diff', '3f0c2c1e', ''], ['<backup>']],
    ['a schedule, a job, a key', ['schedule', 'run', ''], ['<schedule>']],
    ['a file', ['fetch', 'latest', '--out', ''], ['<files>']],
    ['a directory', ['send', '--directory', './u'], ['<directories>']],
    ['nothing after the last argument', ['show', '3f0c2c1e', ''], []],
    ['nothing for a free text', ['send', '--caption', ''], []],
    ['nothing below an unknown option', ['send', '--nope=', ''], []],
  ])('is %s', (_, words, expected) => {
    expect(wordsFor(...words)).toEqual(expected)
  })

  it('is never a hidden command', () => {
    expect(wordsFor('')).toContain('send')
    expect(wordsFor('').filter(word => word.startsWith('_'))).toEqual([])
  })

  it('names no option that does not exist', () => {
    const known = new Set(every(program).flatMap(command => command.options.map(({ long }) => long)))
    expect(COMPLETED_OPTIONS.filter(name => !known.has(name))).toEqual([])
  })
})

describe('the names of a catalog', () => {
  let vault: TestVault
  let database: TestCatalog
  let env: Record<string, string>

  beforeAll(async () => {
    vault = await openTestVault()
    database = await openTestCatalog()
    const config = join(vault.folder, 'telegram-backup.yaml')
    await writeFile(config, 'sources:\n  shop: { project: shop, type: storage, directory: /srv }\n', {
      mode: 0o600,
    })
    env = { ...database.env, TELEGRAM_BACKUP_CONFIG: config, TELEGRAM_BACKUP_ENV_FILE: 'off' }
  })

  afterAll(async () => {
    await database.discard()
    await vault.close()
  })

  async function complete(...words: string[]): Promise<string[]> {
    const run = await callCli(['__complete', '--', ...words], { env })
    expect([run.code, run.stderr]).toEqual([0, ''])
    return run.stdout.split('\n').slice(0, -1)
  }

  it('complete with what each stands for; a name that would change a terminal is left out', async () => {
    // As in a catalog whose owner is hostile.
    await sqlRunner(database).executeSql('alter table control_plane.backups drop constraint tags_are_words')
    const id = '3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11'
    const facts = { id, type: 'storage', file_id: 'f', size: 1536, state: 'failed' } as const
    await database.kysely
      .insertInto('projects')
      .values([{ id: 'shop' }])
      .execute()
    await database.kysely
      .insertInto('backups')
      .values([{ ...facts, project_id: 'shop', tags: ['good', 'ev\u001b[2Jil\n'] } as never])
      .execute()
    expect(await complete('show', '')).toEqual([
      'words',
      'latest\tthe newest complete backup',
      'latest:shop\tthe newest complete backup of this source',
      expect.stringMatching(/^3f0c2c1e\tshop storage, .*, 1\.5 KiB, failed$/),
    ])
    expect(await complete('list', '--tag=')).toEqual(['words', '--tag=good\ta tag'])
    expect(await complete('list', '--project', 's')).toEqual(['words', 'shop\ta project'])
  })

  it('are those of the configuration alone while no catalog runs; none is started', async () => {
    const home = join(vault.folder, 'no-home')
    env = { ...env, DATABASE_URL: '', TELEGRAM_BACKUP_HOME: home }
    expect(await complete('show', 'latest:')).toEqual([
      'words',
      'latest:shop\tthe newest complete backup of this source',
    ])
    expect(await complete('show', '3')).toEqual(['words'])
  })
})
