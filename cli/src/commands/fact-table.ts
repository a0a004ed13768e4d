import { formatTable } from '@telegram-backup/engine/units/human-units.ts'

/** Names and values; a fact without a value is left out. */
export type Facts = readonly (readonly [name: string, value: string | null])[]

export function factTable(facts: Facts): string {
  return formatTable(facts.flatMap(([name, value]) => (value === null ? [] : [[name, value]])))
}
