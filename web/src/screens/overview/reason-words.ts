import type { Words } from '#words/en/index.ts'

type Known = keyof Words['alerts']['kinds']

/** What is wrong and what to do, in the language of the page; undefined for a code of a later version. */
export function reasonWords(code: string, { alerts }: Words): { title: string; act: string } | undefined {
  return Object.hasOwn(alerts.kinds, code) ? alerts.kinds[code as Known] : undefined
}
