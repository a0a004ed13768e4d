import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A step of the protocol done wrong on purpose. */
export interface Mutation {
  readonly name: string
  /** What the protocol loses by it, for the table. */
  readonly wrong: string
  readonly edits: readonly Edit[]
  /** Which operations show it soonest; all by default. */
  readonly only?: string
  /** How probable two commands at once are; as always by default. */
  readonly together?: number
}

/** `find` stands exactly once in the file. */
interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/**
 * Changes the copy of the program below `root`. Throws when the program has changed so that it no longer can
 * be.
 */
export async function apply({ name, edits }: Mutation, root: string): Promise<void> {
  for (const { file, find, replace } of edits) {
    const path = join(root, file)
    const text = await readFile(path, 'utf8')
    const places = text.split(find).length - 1
    if (places !== 1) throw new Error(`"${name}": ${places} places in ${file} hold ${JSON.stringify(find)}`)
    await writeFile(
      path,
      text.replace(find, () => replace),
    )
  }
}
