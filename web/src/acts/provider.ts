import { urlOf } from '#api/client.ts'
import { beginAtProvider } from '#api/generated/sdk.gen.ts'

/** Where the person wanted to, kept in this tab while it is at the provider. */
const WANTED = 'telegram-backup wanted'

/**
 * Leaves the page for a provider, which sends the browser back to `/sign-in/NAME`. Throws `ApiProblem`.
 * @param isAgain the provider is to ask who it is, although it knows the person still
 */
export async function goToProvider(
  name: string,
  { to, isAgain = false }: { to: string; isAgain?: boolean },
): Promise<void> {
  const redirectUri = new URL(urlOf(`sign-in/${name}`), window.location.origin).href
  const { data } = await beginAtProvider({
    body: { provider: name, redirect_uri: redirectUri, again: isAgain },
  })
  window.sessionStorage.setItem(WANTED, to)
  window.location.assign(data.url)
}

/** A path of this page; it is forgotten with that. */
export function takeWanted(): string {
  const wanted = window.sessionStorage.getItem(WANTED) ?? '/'
  window.sessionStorage.removeItem(WANTED)
  return wanted
}
