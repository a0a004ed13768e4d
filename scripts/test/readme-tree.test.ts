import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')

/** What npm and the packer make; no part of the project. */
const MADE = ['node_modules', 'build']

it('the tree in README is the tree on disk', () => {
  const [, tree = ''] =
    /## The folders\n\n```\n([^`]+)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? []
  const named = tree
    .trim()
    .split('\n')
    .map(line => line.split('/')[0])
  const onDisk = readdirSync(ROOT, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('.') && !MADE.includes(entry.name))
    .map(({ name }) => name)
  expect(named.toSorted()).toEqual(onDisk.toSorted())
})
