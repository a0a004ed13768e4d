import { existsSync } from 'node:fs'
import { cp, lstat, mkdir, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
/** What is not needed to run the program. */
const LEFT_OUT = new Set(['node_modules', 'test', 'bench', 'docs', 'build'])

/** The program in a folder of its own, to be changed there. */
export interface TreeCopy {
  readonly root: string
  remove(): Promise<void>
}

/**
 * Copies the packages into `root`. What npm has brought is linked; the links among the packages themselves
 * lead into the copy, or the changed program would go on using the unchanged one.
 */
export async function copyTree(root: string): Promise<TreeCopy> {
  await rm(root, { recursive: true, force: true })
  await mkdir(join(root, 'node_modules'), { recursive: true })
  await link(join(ROOT, 'node_modules'), join(root, 'node_modules'), root)
  for (const name of await workspaces()) {
    await cp(join(ROOT, name), join(root, name), {
      recursive: true,
      filter: path => path === join(ROOT, name) || !LEFT_OUT.has(basename(path)),
    })
    const own = join(ROOT, name, 'node_modules')
    if (existsSync(own)) await symlink(own, join(root, name, 'node_modules'))
  }
  await cp(join(ROOT, 'package.json'), join(root, 'package.json'))
  return { root, remove: () => rm(root, { recursive: true, force: true }) }
}

async function workspaces(): Promise<string[]> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { workspaces: string[] }
  return manifest.workspaces
}

async function link(from: string, to: string, root: string): Promise<void> {
  for (const name of await readdir(from)) {
    const source = join(from, name)
    const isScope = name.startsWith('@') && !(await lstat(source)).isSymbolicLink()
    if (isScope) {
      await mkdir(join(to, name))
      await link(source, join(to, name), root)
      continue
    }
    const target = (await lstat(source)).isSymbolicLink() ? resolve(from, await readlink(source)) : source
    const isOurs = target.startsWith(`${ROOT}/`) && !target.startsWith(`${join(ROOT, 'node_modules')}/`)
    await symlink(isOurs ? join(root, target.slice(ROOT.length + 1)) : source, join(to, name))
  }
}
