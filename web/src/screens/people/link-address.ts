import { urlOf } from '#api/client.ts'
import type { Invited } from '#api/generated/types.gen.ts'

/**
 * The address of a one-time link. The service knows an address that is configured, and else guesses: behind a
 * proxy it cannot know below which path the page is, but the page does.
 */
export function linkAddress({ url, token }: Invited['link']): string {
  const { origin } = window.location
  if (new URL(url).origin !== origin) return url
  return `${origin}${urlOf('link')}#${token}`
}
