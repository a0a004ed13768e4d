import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test as base, expect } from 'vitest'
import { type RepositoryChange, ResticRepository } from '#start/restic-repository.ts'

const test = base.extend<{ folder: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest asks for a pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'sample-restic-'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
})

test('restic reads, checks and restores what the sample writes, also after old snapshots were pruned', async ({
  folder,
}) => {
  const place = join(folder, 'repository')
  // restic looks for a data pack in a folder of its first two digits.
  const pathOf = (key: string): string => join(place, key.replace(/^data\/(..)/, 'data/$1/$1'))
  for (const name of ['keys', 'data', 'index', 'snapshots', 'locks'])
    await mkdir(join(place, name), { recursive: true })
  const carryOut = async ({ put, remove }: RepositoryChange): Promise<void> => {
    for (const { key, bytes } of put) {
      await mkdir(dirname(pathOf(key)), { recursive: true })
      await writeFile(pathOf(key), bytes)
    }
    for (const key of remove) await rm(pathOf(key))
  }
  const restic = (...args: string[]): string =>
    execFileSync('restic', ['-r', place, '--no-cache', ...args], {
      env: { ...process.env, RESTIC_PASSWORD: 'p' },
      encoding: 'utf8',
    })
  const repository = new ResticRepository('photos')
  await carryOut(repository.init('p'))
  // Lengths around a block of the code, and nothing at all.
  const files = [0, 1, 15, 16, 17, 100_000].map(size => ({ name: `of-${size}`, bytes: randomBytes(size) }))
  for (let day = 0; day < 3; day += 1)
    await carryOut(repository.backup(files.slice(day), new Date(Date.UTC(2026, 0, 1 + day))))
  expect(restic('check', '--read-data')).toContain('no errors were found')
  await carryOut(repository.forget(1))
  expect(restic('check', '--read-data')).toContain('no errors were found')
  expect(JSON.parse(restic('snapshots', '--json'))).toMatchObject([
    { time: '2026-01-03T00:00:00Z', hostname: 'laptop' },
  ])
  const restored = join(folder, 'restored')
  restic('restore', 'latest', '--target', restored)
  expect((await readdir(join(restored, 'photos'))).toSorted()).toEqual(
    files
      .slice(2)
      .map(({ name }) => name)
      .toSorted(),
  )
  for (const { name, bytes } of files.slice(2))
    expect(await readFile(join(restored, 'photos', name))).toEqual(bytes)
})
