import { z } from 'zod'

/** An example of each field and parameter. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  source: 'shop',
  stage: 'before',
  target: 'staging',
  overwrite: true,
  read_data: true,
  even_the_last: true,
  cron: '30 2 * * *',
  timezone: 'Europe/Berlin',
  enabled: true,
  keep: { daily: 7, within: '30d' },
  jitter: 30,
  catch_up: 'once',
  project_id: 'shop',
  type: 'database',
  tag: 'nightly',
  filename: 'shop.sql',
  from: '2026-11-25',
  to: '2026-11-25T14:00:00Z',
  limit: 100,
}

/** Longer unknown names are cut. */
const MOST_OF_NAME = 40

/**
 * Says what a schema of zod allows, if the schema has no message of its own. Never repeats the given value.
 */
export function plainWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'it is missing' : KINDS[issue.expected]
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`
    case 'too_small':
      return issue.origin === 'string'
        ? `at least ${charactersOf(issue.minimum)}`
        : `a number from ${issue.minimum}`
    case 'too_big':
      return issue.origin === 'string'
        ? `at most ${charactersOf(issue.maximum)}`
        : `a number up to ${issue.maximum}`
    default:
      return undefined
  }
}

function charactersOf(most: number | bigint): string {
  return `${most} character${Number(most) === 1 ? '' : 's'}`
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false, without quotes',
  object: 'a JSON object',
  record: 'a JSON object',
}

/** Names the field, never its value. */
export function describeIssue(issue: z.core.$ZodIssue, where: string): string {
  if (issue.code === 'unrecognized_keys') return unknownName([...issue.path, issue.keys[0] ?? ''], where)
  if (issue.code === 'invalid_key') return unknownName(issue.path, where)
  const field = issue.path.join('.')
  return field === '' ? issue.message : `${field}: ${issue.message}`
}

function unknownName(path: readonly PropertyKey[], where: string): string {
  const name = path.map(String).join('.').slice(0, MOST_OF_NAME).toWellFormed()
  return `unknown ${where === 'query' ? 'parameter' : 'field'} ${JSON.stringify(name)}`
}

/** Lists the fields of the schema, or the rules of a policy, with an example. */
export function hintOf(issue: z.core.$ZodIssue, schema: z.ZodType, where: string): string {
  const [field, inner] = issue.path.map(String)
  if (field === 'keep' && inner !== undefined) return KEEP_HINT
  const example = field === undefined ? '' : exampleOf(field, where)
  return `${knownFields(schema, where) ?? 'See /docs for the allowed values.'}${example}`
}

const KEEP_HINT =
  'The fields are keep.last, keep.hourly, keep.daily, keep.weekly, keep.monthly, keep.yearly, keep.minimum (numbers), keep.within (for example "30d") and keep.tags (a list). Example: "keep": {"daily": 7}.'

function knownFields(schema: z.ZodType, where: string): string | undefined {
  if (!(schema instanceof z.ZodObject)) return undefined
  const names = Object.keys(schema.shape)
  const noun = where === 'query' ? 'parameters' : 'fields'
  return names.length === 0
    ? `There are no ${noun} here.`
    : `The ${noun} are ${names.join(', ')}; see /docs for their values.`
}

function exampleOf(field: string, where: string): string {
  if (!Object.hasOwn(EXAMPLES, field)) return ''
  const value = EXAMPLES[field]
  return where === 'query'
    ? ` For example ${field}=${value}`
    : ` For example ${JSON.stringify(field)}: ${JSON.stringify(value)}`
}
