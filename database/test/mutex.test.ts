import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holdingMutex } from '#embedded/mutex.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mutex-test-'))
  file = join(folder, 'catalog.lock')
})
afterEach(() => rmSync(folder, { recursive: true }))

test('one at a time, and the next one after a failure as well', async () => {
  let inside = 0
  const work = async (number: number) => {
    expect(++inside).toBe(1)
    await new Promise(resolve => setImmediate(resolve))
    inside--
    if (number % 2) throw new Error(`odd ${number}`)
    return number
  }
  const outcomes = await Promise.allSettled(
    [0, 1, 2, 3].map(number => holdingMutex(file, () => work(number))),
  )
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
})

test('a held lock is one empty file, so that it needs no room', async () => {
  await holdingMutex(file, async () => {
    expect(readdirSync(folder)).toEqual(['catalog.lock'])
    expect(statSync(file).size).toBe(0)
  })
  expect(readdirSync(folder)).toEqual(['catalog.lock'])
  expect(statSync(file).size).toBe(0)
})

test.each([
  ['a folder in its place', () => mkdirSync(file)],
  ['something else in the file', () => writeFileSync(file, 'no lock '.repeat(200))],
  ['no folder for it', () => rmSync(folder, { recursive: true })],
])('%s is an error of the catalog, with the path in the hint', async (_, spoil) => {
  spoil()
  const locking = holdingMutex(file, async () => {})
  await expect(locking).rejects.toMatchObject({ code: 'CATALOG', hint: expect.stringContaining(file) })
  mkdirSync(folder, { recursive: true })
})
