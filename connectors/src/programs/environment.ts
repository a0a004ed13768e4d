import { searchPath } from '#programs/search-path.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What a child process needs to run at all; nothing of the user's own configuration goes along. */
export function bareEnvironment(environment: Environment = process.env): Record<string, string> {
  const { HOME } = environment
  // An empty HOME is not an absent one: what lies below it would lie in the working folder.
  return { PATH: searchPath(environment), ...(HOME ? { HOME } : {}) }
}
