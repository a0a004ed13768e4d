import type { KeepPolicy, Schedule } from '#api/generated/types.gen.ts'
import type { Format } from '#format/format.ts'
import type { Words } from '#words/en/index.ts'

export const COUNT_RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly', 'minimum'] as const

/** A policy as a person writes it. */
export interface KeepDraft {
  mode: 'none' | 'rules' | 'all'
  /** By the name of the rule: a number, a span, or tags with spaces between. */
  rules: Partial<Record<(typeof COUNT_RULES)[number] | 'within' | 'tags', string>>
}

export function keepDraft(keep: Schedule['keep']): KeepDraft {
  if (keep === null) return { mode: 'none', rules: {} }
  const rules = Object.entries(keep).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(' ') : String(value),
  ])
  return { mode: rules.length === 0 ? 'all' : 'rules', rules: Object.fromEntries(rules) }
}

/** Whether a count can be used; an empty one is none. */
export function isCount(text: string | undefined): boolean {
  return text === undefined || text === '' || /^[1-9]\d{0,5}$/.test(text)
}

/** Undefined for what is no policy yet. The server has the last word. */
export function keepPolicy({ mode, rules }: KeepDraft): KeepPolicy | null | undefined {
  if (mode === 'none') return null
  if (mode === 'all') return {}
  if (!COUNT_RULES.every(name => isCount(rules[name]))) return undefined
  const policy: KeepPolicy = {}
  for (const name of COUNT_RULES) if (rules[name]) policy[name] = Number(rules[name])
  const within = rules.within?.trim()
  if (within) policy['within'] = within
  const tags = (rules.tags ?? '').split(/[\s,]+/).filter(tag => tag !== '')
  if (tags.length > 0) policy['tags'] = tags
  // An empty policy keeps all: nobody should choose that by leaving fields empty.
  return Object.keys(policy).length === 0 ? undefined : policy
}

/** As `7 daily and 4 weekly`. */
export function keepWords(keep: Schedule['keep'], words: Words['schedules'], format: Format): string {
  if (keep === null) return words.keepNone
  const parts = Object.entries(keep).flatMap(([name, value]) => {
    if (name === 'tags') return words.keep.tags(format.list([value].flat().map(String)))
    if (name === 'within') return words.keep.within(String(value))
    const rule = COUNT_RULES.find(one => one === name)
    return rule === undefined ? [] : words.keep[rule](Number(value))
  })
  return parts.length === 0 ? words.keepAll : format.list(parts)
}
