// Packs every workspace package as others install it: JavaScript and types instead of TypeScript. Inside the
// workspace the packages run from source; Node strips no types below node_modules, so what is packed must be
// compiled.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createProgram } from '@telegram-backup/cli/cli.ts'
import { manualPages } from '@telegram-backup/cli/manual/pages.ts'
import { packProgram } from '#pack/program.ts'

const ROOT = join(import.meta.dirname, '..')
const BUILD = join(ROOT, 'build')
/** Folders that a package carries along as they are. */
const ASSETS = ['bin', 'migrations', 'sql']
/** The package of the program, which is packed with all of ours that it is made of. */
const PROGRAM = 'cli'
/** Where the page lies in it: `serve` finds it as `#page/…`, in the workspace in what Vite has built. */
const PAGE = 'page'

const ROOT_MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  workspaces: string[]
  optionalDependencies: { node: string }
}

interface Manifest {
  name: string
  exports: Record<string, string>
  imports: Record<string, unknown>
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  devDependencies?: unknown
  [field: string]: unknown
}

function run(program: string, args: string[]): void {
  execFileSync(program, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] })
}

function compiled(source: string, extension: string): string {
  return source.replace(/^\.\/src\//, './dist/').replace(/\.ts$/, extension)
}

/** The manifest for others: `exports` and `imports` lead to what was compiled. */
function packedManifest(manifest: Manifest): Manifest {
  const { devDependencies, ...rest } = manifest
  const entries = Object.entries(manifest.exports).map(([path, source]) => [
    path,
    { types: compiled(source, '.d.ts'), default: compiled(source, '.js') },
  ])
  const { '#*': _source, '#test/*': _test, ...assets } = manifest.imports
  return {
    ...rest,
    exports: Object.fromEntries(entries),
    imports: { ...assets, '#*.ts': { types: './dist/*.d.ts', default: './dist/*.js' } },
    files: ['dist', ...ASSETS],
  }
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
}

function stage(folder: string): string {
  const target = join(BUILD, 'stage', folder)
  mkdirSync(target, { recursive: true })
  cpSync(join(BUILD, 'out', folder, 'src'), join(target, 'dist'), { recursive: true })
  return finish(target, packedManifest(manifestOf(folder)), [folder])
}

/**
 * The program alone: it needs no other package of ours, and brings the Node that it runs on, as the workspace
 * does. The code of each package finds its migrations and scripts under the name that it has for them.
 */
async function stageProgram(): Promise<string> {
  const target = join(BUILD, 'stage', PROGRAM)
  const all = PUBLISHED.map(manifestOf)
  const ours = new Set(all.map(({ name }) => name))
  const needed = all
    .flatMap(({ dependencies = {} }) => Object.entries(dependencies))
    .filter(([name]) => !ours.has(name))
  const optional = all.map(({ optionalDependencies }) => optionalDependencies)
  const { devDependencies, exports: _, imports, ...rest } = manifestOf(PROGRAM)
  const { '#*': _source, '#test/*': _test, ...assets } = imports
  const manifest: Manifest = {
    ...rest,
    dependencies: await packProgram(join(target, 'dist'), Object.fromEntries(needed)),
    // Not the server of the sample, which npm brings for `npm start` alone.
    optionalDependencies: Object.assign({ node: ROOT_MANIFEST.optionalDependencies.node }, ...optional),
    exports: { './bin/*': './bin/*' },
    imports: {
      ...assets,
      '#*.ts': './dist/*.js',
      '#migrations/*': './migrations/*',
      '#sql/*': './sql/*',
      [`#${PAGE}/*`]: `./${PAGE}/*`,
    },
    files: ['dist', 'man', PAGE, ...ASSETS],
    man: writeManual(target, String(rest['version'])),
  }
  buildPage(join(target, PAGE))
  return finish(target, manifest, PUBLISHED)
}

/** Not in the page's own folder: a `serve` of the workspace may be reading that one. */
function buildPage(folder: string): void {
  run('npm', ['run', '--silent', 'build', '-w', 'web', '--', '--outDir', folder, '--logLevel', 'error'])
}

/** `npm install -g` links the pages of the field `man` into the manual. */
function writeManual(target: string, version: string): string[] {
  const silent = { write: () => {} }
  const program = createProgram(async () => {}, { stdout: silent, stderr: silent })
  mkdirSync(join(target, 'man'), { recursive: true })
  return manualPages(program, { version, date: new Date() }).map(({ fileName, text }) => {
    writeFileSync(join(target, 'man', fileName), text)
    return `./man/${fileName}`
  })
}

function finish(target: string, manifest: Manifest, assetsOf: readonly string[]): string {
  for (const folder of assetsOf) {
    for (const asset of ASSETS) {
      if (existsSync(join(ROOT, folder, asset)))
        cpSync(join(ROOT, folder, asset), join(target, asset), { recursive: true })
    }
  }
  cpSync(join(ROOT, 'LICENSE'), join(target, 'LICENSE'))
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  return target
}

const PUBLISHED = ROOT_MANIFEST.workspaces.filter(
  folder => !readFileSync(join(ROOT, folder, 'package.json'), 'utf8').includes('"private": true'),
)

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
  ...PUBLISHED.filter(folder => folder !== PROGRAM).map(stage),
  await stageProgram(),
])
