import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const packageFolder = dirname(dirname(fileURLToPath(import.meta.resolve('#test/installed-copy.ts'))))

/**
 * This package with its dependencies and a Node, copied to where another user can or cannot enter: a clone of
 * that user. About 200 MB, for the time of one test file.
 */
export class InstalledCopy {
  readonly root: string = mkdtempSync(join(tmpdir(), 'catalog-clone-'))

  constructor(mode: number) {
    const modules = fileURLToPath(import.meta.resolve('pg')).replace(/\/pg\/.*$/, '')
    for (const name of ['src', 'migrations', 'test', 'package.json']) {
      cpSync(join(packageFolder, name), join(this.root, 'database', name), { recursive: true })
    }
    for (const name of dependenciesOf(packageFolder, modules)) {
      cpSync(join(modules, name), join(this.root, 'node_modules', name), {
        recursive: true,
        verbatimSymlinks: true,
      })
      // A package of this repository is a link to its folder, which has to be there as well.
      if (!lstatSync(join(modules, name)).isSymbolicLink()) continue
      const folder = realpathSync(join(modules, name))
      cpSync(folder, join(this.root, relative(dirname(modules), folder)), { recursive: true })
    }
    cpSync(process.execPath, join(this.root, 'node'))
    mkdirSync(join(this.root, 'home'))
    chmodSync(this.root, mode)
  }

  /** Runs a program of `test/programs/` in the copy, with nothing of this environment. */
  run(program: string, args: string[], user?: { uid: number; gid: number }): ChildProcess {
    const path = join(this.root, 'database', 'test', 'programs', program)
    return spawn(join(this.root, 'node'), [path, ...args], {
      ...user,
      cwd: '/',
      env: { HOME: join(this.root, 'home'), PATH: '/usr/bin:/bin' },
    })
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

function dependenciesOf(folder: string, modules: string, found: Set<string> = new Set()): Set<string> {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'optionalDependencies',
    Record<string, string> | undefined
  >
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    if (found.has(name) || !existsSync(join(modules, name))) continue
    found.add(name)
    dependenciesOf(join(modules, name), modules, found)
  }
  return found
}
