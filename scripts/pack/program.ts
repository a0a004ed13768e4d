import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const ROOT = join(import.meta.dirname, '..', '..')
const THREADS = ['archive', 'connectors'].map(name => join(ROOT, name, 'src', 'threads'))
/** Packages that every command loads: hundreds of small files, which take longer to find than to run. */
const BUNDLED = ['commander', 'kysely', 'pg']

/**
 * Writes the program into `folder` as few files: `cli.js`, those that some commands load later, and one for
 * each module that threads load. `list` would spend half of its time on finding 500 modules.
 * @param dependencies of all packages that the program is made of
 * @returns those of them that stay packages, with their versions
 */
export async function packProgram(
  folder: string,
  dependencies: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const external = Object.entries(dependencies).filter(([name]) => !BUNDLED.includes(name))
  const isExternal = (id: string): boolean =>
    external.some(([name]) => id === name || id.startsWith(`${name}/`))
  const modules = await write({ cli: join(ROOT, 'cli', 'src', 'cli.ts') }, folder, isExternal)
  // Each alone: a thread starts sooner with one file than with those that it would share.
  for (const threads of THREADS) {
    for (const name of readdirSync(threads))
      await write({ [name.replace(/\.ts$/, '')]: join(threads, name) }, join(folder, 'threads'), isExternal)
  }
  writeFileSync(join(folder, 'LICENSES.txt'), licensesOf(modules))
  return Object.fromEntries(external)
}

/** Returns the files that went into it. */
async function write(
  input: Record<string, string>,
  dir: string,
  isExternal: (id: string) => boolean,
): Promise<string[]> {
  const bundle = await rolldown({
    input,
    platform: 'node',
    // pg tries to load it, and does without.
    external: id => isExternal(id) || id === 'pg-native',
  })
  const { output } = await bundle.write({ dir, format: 'esm', chunkFileNames: '[name]-[hash].js' })
  await bundle.close()
  return output.flatMap(file => (file.type === 'chunk' ? file.moduleIds : []))
}

/** The licenses of what was bundled, as these want it. */
function licensesOf(modules: readonly string[]): string {
  const folders = modules.flatMap(id => /^\/.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])
  return [...new Set(folders)]
    .toSorted()
    .map(folder => {
      const name = readdirSync(folder).find(file => /^licen[cs]e/i.test(file))
      const { name: of } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string }
      return `${of}\n\n${name ? readFileSync(join(folder, name), 'utf8') : ''}`
    })
    .join('\n')
}
