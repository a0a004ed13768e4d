import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CLEAN_ENVIRONMENT } from '#embedded/clean-environment.ts'
import { nameFromInside } from '#embedded/cluster.ts'
import type { PreparedServer } from '#embedded/server-profile.ts'

/** All rights below a folder. */
const ALL =
  'execute,write-file,read-file,read-dir,remove-dir,remove-file,make-dir,make-reg,make-sock,make-fifo,make-sym,refer,truncate'
const READ = 'execute,read-file,read-dir'

/** What any program needs, where it exists. Nothing that holds secrets: from `/etc` only single files. */
const SYSTEM: ReadonlyArray<readonly [rights: string, path: string]> = [
  ...['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/usr/share/zoneinfo'].map(path => [READ, path] as const),
  ...['/etc/ld.so.cache', '/etc/localtime', '/etc/nsswitch.conf', '/etc/passwd', '/etc/group'].map(
    path => ['read-file', path] as const,
  ),
  ['read-file', '/dev/urandom'],
  ['read-file,write-file', '/dev/null'],
]

/** Landlock by `setpriv` of util-linux 2.40 or newer, always the system's own. */
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find(path => existsSync(path))

/** Whether {@link confining} can work on this machine. */
export function canConfine(): boolean {
  const prefix = commandWith([...SYSTEM, ['execute,read-file', '/usr/bin/true']])
  return prefix.length > 0 && runs([...prefix, '/usr/bin/true'])
}

/**
 * A prefix for a server's command line. The kernel then opens nothing to it but its data folder, its programs
 * and the system's libraries. Empty where the kernel or `setpriv` lacks Landlock.
 */
export function confining({
  binaries,
  data,
  user,
}: Pick<PreparedServer, 'binaries' | 'data' | 'user'>): readonly string[] {
  const prefix = commandWith([...SYSTEM, [READ, binaries], [ALL, nameFromInside(data.path)]])
  // A kernel without Landlock refuses the rules; a system with its libraries elsewhere cannot start the
  // program.
  const program = [...prefix, join(binaries, 'bin', 'postgres'), '--version']
  return prefix.length > 0 && runs(program, { ...user.spawnAs, cwd: data.path }) ? prefix : []
}

/** A colon separates the rights from the path, so no path may hold one. */
function commandWith(rules: ReadonlyArray<readonly [rights: string, path: string]>): string[] {
  if (SETPRIV === undefined || rules.some(([, path]) => path.includes(':'))) return []
  return [
    SETPRIV,
    ...['--no-new-privs', '--landlock-access', 'fs'],
    ...rules
      .filter(([, path]) => existsSync(path))
      .flatMap(([rights, path]) => ['--landlock-rule', `path-beneath:${rights}:${path}`]),
    '--',
  ]
}

function runs([program = '', ...args]: readonly string[], options: SpawnSyncOptions = {}): boolean {
  return spawnSync(program, args, { ...options, env: CLEAN_ENVIRONMENT, stdio: 'ignore' }).status === 0
}
