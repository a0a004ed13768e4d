import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ownUnitFacts, writeUnit } from '#setup/unit-file.ts'

// systemd's own opinion of the unit that a set-up writes; it need not run for that.
const PROGRAM = 'systemd-analyze'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unit-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Writes the unit of a program in that folder, and lets systemd check it. */
async function verified(place: string, isRoot: boolean): Promise<{ words: string; unit: string }> {
  await mkdir(place, { recursive: true })
  const program = join(place, 'telegram-backup.js')
  await writeFile(program, '#!/bin/sh\n')
  await chmod(program, 0o755)
  const facts = ownUnitFacts({
    command: [program, '--', program],
    environmentFile: join(place, 'environment'),
    stateFolder: place,
  })
  const unit = join(folder, 'telegram-backup.service')
  await writeFile(unit, writeUnit({ ...facts, isRoot }))
  const { stdout, stderr, error } = spawnSync(PROGRAM, ['--no-pager', 'verify', '--man=no', unit], {
    encoding: 'utf8',
  })
  if (error) throw new Error('This test needs systemd-analyze: apt-get install systemd')
  return { words: stdout + stderr, unit: await readFile(unit, 'utf8') }
}

it.each([true, false])('systemd finds nothing wrong with it; root: %s', async isRoot => {
  expect((await verified(join(folder, 'program'), isRoot)).words).toBe('')
})

it('a path with blanks, quotes, % and $ stays one word for systemd', async () => {
  const { words, unit } = await verified(join(folder, 'a "b" 100%n $HOME \\ é'), false)
  expect(words).toBe('')
  const word = '"[^ ]*/a \\\\"b\\\\" 100%%n \\$\\$HOME \\\\\\\\ é/telegram-backup.js"'
  expect(unit).toMatch(new RegExp(`^ExecStart=/usr/bin/env ${word} -- ${word} serve --env-file "`, 'm'))
})

it('systemd would find a program that is not there', async () => {
  const { unit } = await verified(join(folder, 'program'), false)
  const planted = join(folder, 'planted.service')
  await writeFile(planted, unit.replaceAll('/program/', '/nowhere/'))
  const { stdout, stderr } = spawnSync(PROGRAM, ['--no-pager', 'verify', '--man=no', planted], {
    encoding: 'utf8',
  })
  expect(stdout + stderr).toContain('nowhere')
})
