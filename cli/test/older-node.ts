import { fileURLToPath } from 'node:url'

/** What is started as `telegram-backup`. */
export const LAUNCHER: string = fileURLToPath(import.meta.resolve('#launcher'))

/** Node's arguments for the launcher as an older Node would run it, without execve if it is that old. */
export function underOlderNode(
  hasExecve: boolean,
  args: readonly string[],
  launcher: string = LAUNCHER,
): string[] {
  const program = `Object.defineProperty(process.versions, 'node', { value: '20.1.0' })
    if (!${hasExecve}) process.execve = undefined
    process.argv.splice(1, 0, 'launcher')
    await import(${JSON.stringify(launcher)})`
  return ['--input-type=module', '--eval', program, '--', ...args]
}
