import { defaultParseSearch } from '@tanstack/react-router'

/**
 * A path of this page, with its search, as the router takes it; the first screen for anything else.
 * @param to from the address, where anybody may have written it
 */
export function placeOf(to: string): { to: string; search: Record<string, unknown> } {
  const place = to.startsWith('/') ? URL.parse(to, PAGE) : null
  // `//host` leads elsewhere, and so does what browsers read as that (`/\host`, `/<tab>/host`).
  if (place === null || place.origin !== PAGE) return { to: '/', search: {} }
  return { to: place.pathname, search: defaultParseSearch(place.search) }
}

/** Stands for wherever the page is. */
const PAGE = 'http://page.invalid'
