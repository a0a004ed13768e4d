/** A path of this page, with its search, as the router takes it. */
export function placeOf(to: string): { to: string; search: Record<string, unknown> } {
  const { pathname, searchParams } = new URL(to, location.origin)
  return { to: pathname, search: Object.fromEntries(searchParams) }
}
