import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { BackupDetails } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

/** Each folder is synced when its files are in place, which leaves time for a kill between two. */
const FOLDERS = 60
const FILES = 5
const ROUNDS = 8

let bench: RestoreBench
let backup: BackupDetails
let to: string

const names = Array.from({ length: FOLDERS * FILES }, (_, file) =>
  join('data', `folder-${Math.floor(file / FILES)}`, `file-${file % FILES}`),
)

function fill(root: string, contents: string): void {
  rmSync(root, { recursive: true, force: true })
  for (let folder = 0; folder < FOLDERS; folder++)
    mkdirSync(join(root, 'data', `folder-${folder}`), { recursive: true })
  for (const name of names) writeFileSync(join(root, name), contents)
}

beforeAll(async () => {
  bench = await openRestoreBench()
  const tree = join(bench.vault.folder, 'tree')
  to = join(bench.vault.folder, 'to')
  fill(tree, 'new')
  backup = await bench.send('--type', 'storage', '--directory', tree)
})

afterAll(async () => {
  await bench.close()
})

const args = (): string[] => {
  const paths = ['--path', 'data']
  return ['restore', backup.id, '--yes', '--json', '--overwrite', '--to', to, ...paths]
}

/** How many files are new; each must be whole, old or new. */
function newFiles(): number {
  const contents = names.map(name => readFileSync(join(to, name), 'utf8'))
  expect(contents.filter(text => text !== 'old' && text !== 'new')).toEqual([])
  return contents.filter(text => text === 'new').length
}

it('a restore that is killed while it moves files in leaves each old or new, and the next one the rest', async () => {
  let wasBetween = false
  for (let round = 0; round < ROUNDS && !wasBetween; round++) {
    fill(to, 'old')
    let pid = 0
    const running = bench.start(args(), {
      onStart: started => {
        pid = started
      },
    })
    let isOver = false
    void running.finally(() => {
      isOver = true
    })
    // The first folder that is done, in whatever order they come.
    const watched = names.filter((_, file) => file % FILES === 0).map(name => join(to, name))
    const isNew = (): boolean =>
      watched.some(path => existsSync(path) && readFileSync(path, 'utf8') === 'new')
    while (!isOver && !isNew()) await setImmediate()
    if (!isOver) process.kill(pid, 'SIGKILL')
    await running
    const count = newFiles()
    wasBetween = count > 0 && count < names.length
  }
  expect(wasBetween).toBe(true)
  expect((await readdir(to)).some(one => one.endsWith('.partial'))).toBe(true)
  const next = await bench.start(args())
  expect(next.code, next.stderr).toBe(0)
  expect(newFiles()).toBe(names.length)
  expect(await readdir(to)).toEqual(['data'])
})
