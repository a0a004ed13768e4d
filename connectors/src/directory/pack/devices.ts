/** What the record of a directory says of device nodes in it, in its source facts. */
export interface DevicesRecord {
  device_count: number
  /** The first of them, as their names are shown. */
  devices: string[]
}

/**
 * How many there are, and one of them; undefined for none or an unknown number. The record is not trusted.
 */
export function readDevices(
  source: Record<string, unknown> | null | undefined,
): { words: string } | undefined {
  const count = source?.['device_count']
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) return undefined
  const devices: unknown = source?.['devices']
  const path: unknown = Array.isArray(devices) ? devices[0] : undefined
  const example = typeof path === 'string' ? `, for example ${path.slice(0, 200)}` : ''
  return { words: `${count} ${count === 1 ? 'device' : 'devices'}${example}` }
}
