import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makeScratchFolder } from '#index.ts'
import { thisProcess } from '#leases/holder.ts'
import { TestStateFolder } from '#test/state-folders.ts'

let state: TestStateFolder

beforeEach(() => {
  state = new TestStateFolder()
})

afterEach(() => state.remove())

/** A folder with that mark, which was last refreshed so long ago. */
function leave(name: string, mark: string, agoMs = 0): string {
  const folder = join(state.path, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'owner'), mark)
  const at = new Date(Date.now() - agoMs)
  utimesSync(join(folder, 'owner'), at, at)
  return folder
}

const HOUR = 3_600_000
const ended = { ...thisProcess(), started: '1' }
const elsewhere = { ...ended, host: 'a machine pid:[4026531836]' }

it('a scratch folder of a process that has ended is cleared away by the next', async () => {
  const left = leave('drill-00000001', JSON.stringify(ended))
  const scratch = await makeScratchFolder(state.path, 0)
  expect(existsSync(left)).toBe(false)
  await scratch.discard()
  expect(readdirSync(state.path)).toEqual([])
})

it('one of a process that works stays, however long it does', async () => {
  const kept = leave('drill-00000001', JSON.stringify(thisProcess()), 100 * HOUR)
  const first = await makeScratchFolder(state.path, 0)
  const second = await makeScratchFolder(state.path, 0)
  expect([kept, first.path, second.path].filter(existsSync)).toHaveLength(3)
  await first.discard()
  await second.discard()
  expect(readdirSync(state.path)).toEqual(['drill-00000001'])
})

it('one of another container stays while its mark is refreshed, whoever has that pid here, and goes later', async () => {
  const kept = leave('drill-00000001', JSON.stringify(elsewhere))
  const left = leave('drill-00000002', JSON.stringify(elsewhere), 2 * HOUR)
  const scratch = await makeScratchFolder(state.path, 0)
  expect([kept, left].filter(existsSync)).toEqual([kept])
  await scratch.discard()
})

it('one whose mark says nothing goes by its age as well', async () => {
  const kept = leave('drill-00000001', '')
  const left = leave('drill-00000002', 'null', 2 * HOUR)
  const scratch = await makeScratchFolder(state.path, 0)
  expect([kept, left].filter(existsSync)).toEqual([kept])
  await scratch.discard()
})
