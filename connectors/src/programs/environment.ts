import { isAbsolute } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** The default of most systems; an empty PATH would mean the working folder. */
const DEFAULT_FOLDERS = '/usr/bin:/bin'

/** The absolute folders of PATH: nothing may run from the working folder because of its name. */
export function searchPath({ PATH = '' }: Environment): string {
  return PATH.split(':').filter(isAbsolute).join(':') || DEFAULT_FOLDERS
}

/** What a child process needs to run at all; nothing of the user's own configuration. */
export function bareEnvironment(environment: Environment = process.env): Record<string, string> {
  const { HOME } = environment
  // With an empty HOME, a program would look for its files in the working folder.
  return { PATH: searchPath(environment), ...(HOME ? { HOME } : {}) }
}
