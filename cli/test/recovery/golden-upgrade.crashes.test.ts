import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GOLDEN_STATES, type Golden, openGolden } from '#test/recovery/golden-state.ts'

// A catalog and chats that the program of an earlier release made, upgraded by the one of now.

describe.each(GOLDEN_STATES)('the state of schema %s, upgraded', name => {
  let golden: Golden
  let env: Record<string, string>
  beforeAll(async () => {
    golden = await openGolden(name)
    env = { ...golden.env, ...(await golden.openCatalog()) }
  })
  afterAll(() => golden?.close())

  async function ask(...args: string[]): Promise<unknown> {
    const run = await runCli([...args, '--json'], { env })
    expect(run.code, run.stderr).toBe(0)
    return run.json()
  }

  test('says of every backup what the program of then said, with parts, facts and history', async () => {
    const { ids, said } = golden.facts
    for (const [what, id] of Object.entries(ids))
      expect(await ask('show', id), what).toMatchObject(said[`show ${what}`] as object)
    expect(await ask('list')).toMatchObject(said['list'] as object)
    // What expires soon depends on the day.
    const { expiring_soon: _, ...stats } = said['stats'] as Record<string, unknown>
    expect(await ask('stats')).toMatchObject(stats)
  })

  test('keeps schedules, policies, keys and jobs', async () => {
    const { said } = golden.facts
    const schedules = (said['schedule list'] as Record<string, unknown>[]).map(
      ({ next_run_at: _, ...schedule }) => schedule,
    )
    expect(await ask('schedule', 'list')).toMatchObject(schedules)
    for (const command of ['retention list', 'apikey list', 'jobs'])
      expect(await ask(...command.split(' ')), command).toMatchObject(said[command] as object)
  })

  test('gives every backup back, byte for byte', async () => {
    const { ids, sha256 } = golden.facts
    expect(Object.keys(sha256).length).toBeGreaterThan(5)
    for (const [what, hash] of Object.entries(sha256)) {
      const { code, stdout, stderr } = await runCli(['fetch', ids[what] ?? '', '--out', '-'], { env })
      expect(code, stderr).toBe(0)
      expect(createHash('sha256').update(Buffer.from(stdout, 'latin1')).digest('hex'), what).toBe(hash)
    }
  })

  test('restores a directory with its links and the hole in a file', async () => {
    const to = join(golden.folder, 'restored')
    await ask('restore', golden.facts.ids['directory'] ?? '', '--to', to, '--yes')
    const photo = statSync(join(to, '2026', 'photo.jpg'))
    expect(photo).toMatchObject({ size: 40_000 })
    expect(photo.mode & 0o777).toBe(0o640)
    expect(statSync(join(to, 'the-same-photo.jpg')).ino).toBe(photo.ino)
    expect(readlinkSync(join(to, 'newest.jpg'))).toBe('2026/photo.jpg')
    expect(readFileSync(join(to, '2026', 'a name with spaces, ü and "quotes".txt'), 'utf8')).toBe('a text\n')
    const sparse = lstatSync(join(to, 'sparse.img'))
    expect(sparse.size).toBe(8 * 2 ** 20)
    expect(sparse.blocks * 512).toBeLessThan(2 ** 20)
    expect(
      readFileSync(join(to, 'sparse.img'))
        .subarray(4 * 2 ** 20, 4 * 2 ** 20 + 13)
        .toString(),
    ).toBe('in the middle')
  })

  test('reconciles the killed send, then verifies, erases and sends', async () => {
    const { ids } = golden.facts
    await ask('reconcile')
    expect(await ask('show', ids['unfinished'] ?? '')).toMatchObject({ state: 'failed' })
    await ask('verify', '--all', '--read-data')
    const pinned = await runCli(['erase', ids['pinned'] ?? '', '--yes', '--even-the-last', '--json'], { env })
    expect(pinned.code).not.toBe(0)
    expect(await ask('show', ids['pinned'] ?? '')).toMatchObject({ state: 'complete' })
    await ask('erase', ids['expired'] ?? '', '--yes')
    expect(await ask('show', ids['expired'] ?? '')).toMatchObject({ state: 'erased' })
    await ask('send', '--source', 'uploads')
  })
})
