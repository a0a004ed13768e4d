import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { unpackPackages } from '@telegram-backup/test-support/packed-packages.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let folder: string

beforeAll(() => {
  folder = unpackPackages()
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

it('the packed command line does the main job: the demo, from the tarballs', () => {
  const launcher = join(folder, 'node_modules', '@telegram-backup', 'cli', 'bin', 'telegram-backup.js')
  const output = execFileSync(process.execPath, [launcher, 'demo', '--json'], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(JSON.parse(output)).toMatchObject({ success: true })
})
