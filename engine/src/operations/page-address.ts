import { type Database, servicePages } from '@telegram-backup/database'

/** The address of a one-time link. What stands behind # reaches no server and no log. */
export function signInUrl(base: string, secret: string): string {
  return `${base.replace(/\/+$/, '')}/link#${secret}`
}

/** Where `serve` listens unless it is told otherwise. */
const DEFAULT_PAGE = 'http://127.0.0.1:8080'

/**
 * Where people find the page: as the configuration says, else where a running service of this catalog
 * listens, best one on this machine; `isGuess` if none is known.
 */
export async function pageAddress(
  database: Database,
  publicUrl: string | undefined,
): Promise<{ url: string; isGuess: boolean }> {
  if (publicUrl !== undefined) return { url: publicUrl, isGuess: false }
  const [nearest] = (await servicePages(database)).sort(
    (one, other) => Number(other.isOnThisMachine) - Number(one.isOnThisMachine),
  )
  if (nearest === undefined) return { url: DEFAULT_PAGE, isGuess: true }
  return { url: reachable(nearest.url), isGuess: false }
}

/** A service that listens on all addresses has none of its own. */
function reachable(url: string): string {
  return url.replace(/\/\/(?:0\.0\.0\.0|\[::\])(?=[:/]|$)/, '//127.0.0.1')
}
