/** What a value out of a record must look like. Records come from a catalog or a chat, and are not trusted. */
export type Shape = (value: unknown) => boolean

export const isText: Shape = value => typeof value === 'string'
export const isNumber: Shape = value => Number.isSafeInteger(value) && Number(value) >= 0

export function orNull(shape: Shape): Shape {
  return value => value === null || shape(value)
}

/** For what may be missing. */
export function optional(shape: Shape): Shape {
  return value => value === undefined || shape(value)
}

/** So many hexadecimal digits. */
export function digits(many: number): Shape {
  return value => typeof value === 'string' && value.length === many && /^[0-9a-f]*$/.test(value)
}

export function listOf(shape: Shape): Shape {
  return value => Array.isArray(value) && value.every(shape)
}

/** A list of so many values, each of its shape. */
export function tuple(...shapes: readonly Shape[]): Shape {
  return value =>
    Array.isArray(value) && value.length === shapes.length && shapes.every((shape, at) => shape(value[at]))
}

/** An object that has these; others are allowed. */
export function fields(shapes: Readonly<Record<string, Shape>>): Shape {
  return value =>
    isObject(value) &&
    Object.entries(shapes).every(([name, shape]) =>
      shape(Object.hasOwn(value, name) ? value[name] : undefined),
    )
}

export function valuesOf(shape: Shape): Shape {
  return value => isObject(value) && Object.values(value).every(shape)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
