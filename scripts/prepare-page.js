// npm runs it at the end of `npm ci` and `npm install`: builds the page, which `serve` answers at `/`. Plain
// JavaScript, because the Node of the system may run it. A page that cannot be built is no reason to fail the
// installation: all else works without it, and `/` says what is missing.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const WEB = join(import.meta.dirname, '..', 'web')

/** Undefined where it is not installed: with `--omit=dev`. */
function findVite() {
  try {
    return createRequire(join(WEB, 'package.json')).resolve('vite')
  } catch {
    return undefined
  }
}

const vite = findVite()
if (vite !== undefined && existsSync(join(WEB, 'index.html'))) {
  try {
    const { build } = await import(pathToFileURL(vite).href)
    await build({ root: WEB, logLevel: 'error' })
  } catch (error) {
    process.stderr.write(
      `The page could not be built: ${error instanceof Error ? error.message : error}\n` +
        'All else works without it. Run "npm run build:page" to try again.\n',
    )
  }
}
