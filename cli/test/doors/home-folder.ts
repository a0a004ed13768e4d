import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Some files as people have them: large, small, empty, and with odd names. */
export async function writeHomeFolder(folder: string, mebibytes: number): Promise<void> {
  await mkdir(join(folder, 'Dokumente', 'ä und ein Leerzeichen'), { recursive: true })
  await writeFile(join(folder, 'empty'), '')
  await writeFile(join(folder, 'Dokumente', "it's a $name.txt"), 'words\n'.repeat(5_000))
  await writeFile(join(folder, 'Dokumente', 'ä und ein Leerzeichen', '-rf'), randomBytes(70_000))
  for (let number = 0; number < 100; number++)
    await writeFile(join(folder, 'Dokumente', `note-${number}`), randomBytes(3_000 + number))
  for (let number = 0; number < mebibytes / 4; number++)
    await writeFile(join(folder, `large-${number}`), randomBytes(4 * 2 ** 20))
}

/** Another content for about so many of a hundred of its large files. */
export async function changeHomeFolder(folder: string, percent: number): Promise<void> {
  const large = (await readdir(folder)).filter(name => name.startsWith('large-'))
  const count = Math.max(1, Math.round((large.length * percent) / 100))
  for (const name of large.slice(0, count)) await writeFile(join(folder, name), randomBytes(4 * 2 ** 20))
  await rm(join(folder, 'Dokumente', 'note-7'), { force: true })
  await writeFile(join(folder, 'new'), randomBytes(10_000))
}
