import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MUTATIONS } from '#torture/mutations/table.ts'

const ROOT = join(import.meta.dirname, '..', '..')

test.each(MUTATIONS.flatMap(({ name, edits }) => edits.map(edit => ({ name, ...edit }))))(
  '"$name" changes one place of $file, which is there',
  async ({ file, find, replace }) => {
    const text = await readFile(join(ROOT, file), 'utf8')
    expect(text.split(find)).toHaveLength(2)
    expect(replace).not.toBe(find)
  },
)
