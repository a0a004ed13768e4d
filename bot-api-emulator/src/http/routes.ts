/** What a URL asks for. */
export type Route =
  | { readonly kind: 'method'; readonly token: string; readonly method: string }
  | { readonly kind: 'download'; readonly token: string; readonly path: string }
  | { readonly kind: 'control'; readonly path: string }
  | { readonly kind: 'unknown' }

/** Reads `/bot<token>/<method>`, `/file/bot<token>/<path>` and `/_emulator/<path>`. */
export function routeOf(urlPath: string): Route {
  const control = /^\/_emulator\/(.*)$/.exec(urlPath)
  if (control !== null) return { kind: 'control', path: control[1] ?? '' }
  const download = /^\/file\/bot([^/]*)\/(.+)$/.exec(urlPath)
  if (download !== null) return { kind: 'download', token: decode(download[1]), path: decode(download[2]) }
  const method = /^\/bot([^/]*)(?:\/(.*))?$/.exec(urlPath)
  if (method !== null) return { kind: 'method', token: decode(method[1]), method: decode(method[2]) }
  return { kind: 'unknown' }
}

function decode(text = ''): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
