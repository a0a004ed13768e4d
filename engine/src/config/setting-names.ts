import { z } from 'zod'
import { CONFIG_FILE_SCHEMA } from '#config/config-file-schema.ts'

/** Names from the top of the file; in lists, places from 0. */
export type SettingPath = readonly PropertyKey[]

type JsonSchema = z.core.JSONSchema.JSONSchema

/** The structure of the file, as a JSON schema of what a person writes. */
export function structureOfFile(): JsonSchema {
  return z.toJSONSchema(CONFIG_FILE_SCHEMA, { io: 'input', target: 'draft-7', unrepresentable: 'any' })
}

/** The names of the settings that may stand below a path. */
export function settingsAt(path: SettingPath): string[] {
  const found = path.reduce<JsonSchema[]>(
    (schemas, name) => schemas.flatMap(schema => childrenOf(schema, String(name))),
    alternatives(structureOfFile()),
  )
  return found.flatMap(schema => Object.keys(schema.properties ?? {}))
}

function childrenOf(schema: JsonSchema, name: string): JsonSchema[] {
  const { properties = {}, additionalProperties, items } = schema
  const named = Object.hasOwn(properties, name) ? properties[name] : undefined
  const child = named ?? additionalProperties ?? (Array.isArray(items) ? undefined : items)
  return typeof child === 'object' ? alternatives(child) : []
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(alternatives)
}

/** The name that was probably meant; undefined when none is close. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const plain = typed.toLowerCase().replaceAll('-', '_').slice(0, 64)
  const [best] = names
    .map(name => ({ name, distance: distanceOf(plain, name) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .toSorted((a, b) => a.distance - b.distance)
  return best?.name
}

/** Levenshtein: how many characters have to be added, left out or exchanged. */
function distanceOf(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [row, character] of [...a].entries()) {
    const line = [row + 1]
    for (const [column, other] of [...b].entries()) {
      const exchanged = (above[column] ?? 0) + (character === other ? 0 : 1)
      line.push(Math.min(exchanged, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1))
    }
    above = line
  }
  return above.at(-1) ?? 0
}
