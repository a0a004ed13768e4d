import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const BUILD = join(ROOT, 'build')

/**
 * Packs the workspace and returns a new folder in which the tarballs are unpacked below `node_modules`; the
 * caller removes it. Third-party packages are found in the repository's node_modules above; ours come from
 * the tarballs alone.
 */
export function unpackPackages(): string {
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'pack.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const folder = mkdtempSync(join(BUILD, 'installed-'))
  const packages = join(BUILD, 'packages')
  for (const tarball of readdirSync(packages)) {
    const name = tarball.startsWith('telegram-backup-')
      ? tarball.replace(/^telegram-backup-(.*)-\d+\.\d+\.\d+\.tgz$/, '@telegram-backup/$1')
      : tarball.replace(/-\d+\.\d+\.\d+\.tgz$/, '')
    const target = join(folder, 'node_modules', name)
    mkdirSync(target, { recursive: true })
    execFileSync('tar', ['-xzf', join(packages, tarball), '--strip-components=1', '-C', target])
  }
  return folder
}
