/** Names and cursors are shorter. */
const MOST_CHARACTERS = 200

/** A parameter of the address, if it is one of these values. */
export function oneOf<Value extends string>(values: readonly Value[], value: unknown): Value | undefined {
  return values.find(one => one === value)
}

/** A text in the address; the router reads `7`, `true` and `null` as what they are in JSON. */
export function textIn(value: unknown): string | undefined {
  const isPlain = typeof value === 'number' || typeof value === 'boolean' || value === null
  const text = isPlain ? String(value) : value
  return typeof text === 'string' && text !== '' && text.length <= MOST_CHARACTERS ? text : undefined
}

/**
 * What `read` makes of the parameters of an address, and nothing else of them: the router itself would keep
 * each parameter that `read` leaves out, as it stands in the address.
 */
export function only<Search extends object>(
  read: (raw: Record<string, unknown>) => Search,
): (raw: Record<string, unknown>) => Search {
  return raw => ({ ...Object.fromEntries(Object.keys(raw).map(name => [name, undefined])), ...read(raw) })
}
