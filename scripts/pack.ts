// Packs every workspace package as others install it: JavaScript and types instead of TypeScript. Inside the
// workspace the packages run from source; Node strips no types below node_modules, so what is packed must be
// compiled.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const BUILD = join(ROOT, 'build')
/** Folders that a package carries along as they are. */
const ASSETS = ['bin', 'migrations', 'sql']

const ROOT_MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  workspaces: string[]
  optionalDependencies: Record<string, string>
}

interface Manifest {
  name: string
  exports: Record<string, string>
  imports: Record<string, unknown>
  devDependencies?: unknown
  [field: string]: unknown
}

function run(program: string, args: string[]): void {
  execFileSync(program, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] })
}

function compiled(source: string, extension: string): string {
  return source.replace(/^\.\/src\//, './dist/').replace(/\.ts$/, extension)
}

/**
 * The manifest for others: `exports` and `imports` lead to what was compiled. What has a command brings the
 * Node that it runs on, as the workspace does.
 */
function packedManifest(manifest: Manifest): Manifest {
  const { devDependencies, ...rest } = manifest
  const entries = Object.entries(manifest.exports).map(([path, source]) => [
    path,
    { types: compiled(source, '.d.ts'), default: compiled(source, '.js') },
  ])
  const { '#*': _source, '#test/*': _test, ...assets } = manifest.imports
  return {
    ...rest,
    ...(manifest['bin'] !== undefined && { optionalDependencies: ROOT_MANIFEST.optionalDependencies }),
    exports: Object.fromEntries(entries),
    imports: { ...assets, '#*.ts': { types: './dist/*.d.ts', default: './dist/*.js' } },
    files: ['dist', ...ASSETS],
  }
}

function isPublished(folder: string): boolean {
  return !readFileSync(join(ROOT, folder, 'package.json'), 'utf8').includes('"private": true')
}

function stage(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
  const target = join(BUILD, 'stage', folder)
  mkdirSync(target, { recursive: true })
  cpSync(join(BUILD, 'out', folder, 'src'), join(target, 'dist'), { recursive: true })
  for (const asset of ASSETS) {
    if (existsSync(join(ROOT, folder, asset)))
      cpSync(join(ROOT, folder, asset), join(target, asset), { recursive: true })
  }
  cpSync(join(ROOT, 'LICENSE'), join(target, 'LICENSE'))
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(packedManifest(manifest), undefined, 2)}\n`)
  return target
}

for (const folder of ['out', 'stage', 'packages'])
  rmSync(join(BUILD, folder), { recursive: true, force: true })
mkdirSync(join(BUILD, 'packages'), { recursive: true })
run(process.execPath, [
  join(ROOT, 'node_modules', '@typescript', 'native', 'bin', 'tsc'),
  '-p',
  'tsconfig.build.json',
])
run('npm', [
  'pack',
  '--silent',
  '--pack-destination',
  join(BUILD, 'packages'),
  ...ROOT_MANIFEST.workspaces.filter(isPublished).map(stage),
])
