import { isIP } from 'node:net'

/** Whether an address is of this machine alone. */
export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\./.test(address) || address === '::1'
}

/** The same of a host's name or address; `[::1]` as URLs have it, too. */
export function isLoopbackName(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || (isIP(name) !== 0 && isLoopback(name))
}
