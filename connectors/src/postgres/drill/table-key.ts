/** One text for a table or sequence, whatever is in its names. */
export function keyOf(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}
