import type { z } from 'zod'
import { SOURCE_SETTING_NAMES } from '#config/config-file-schema.ts'
import { nearest, type SettingPath, settingsAt } from '#config/setting-names.ts'

export const SOURCE_EXAMPLE =
  'An entry below "sources:" looks like this: shop: { project: shop, type: database, postgres: "postgresql://USER@HOST/DATABASE" }'
/** Hints by section. */
const EXAMPLES: Readonly<Record<string, string>> = {
  targets:
    'An entry below "targets:" looks like this: staging: { postgres: "postgresql://USER@HOST/DATABASE" }',
  http: 'docs/http-api.md names the settings below "http:".',
  notifications: 'docs/monitoring.md names the settings below "notifications:".',
  retention: 'docs/retention.md names the settings below "retention:".',
  verification: 'docs/verification.md names the settings below "verification:".',
}

interface DescribedIssue {
  path: SettingPath
  message: string
  hint: string
}

/** The issues of the schema, in words; one for each unknown name. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], value: unknown): DescribedIssue[] {
  const unknown = issues.flatMap(issue =>
    issue.code === 'unrecognized_keys' ? issue.keys.map(key => unknownSetting(issue.path, key)) : [],
  )
  const meant = new Set(unknown.map(({ meantPath }) => meantPath))
  const misspelt = new Set(unknown.map(({ path }) => path.slice(0, -1).join('.')))
  const others = issues
    .filter(issue => issue.code !== 'unrecognized_keys')
    // A misspelt setting is also missing under its right name; only the misspelling is reported.
    .filter(({ path }) => !(meant.has(path.join('.')) && valueAt(value, path) === undefined))
    .filter(({ code, path }) => !(code === 'custom' && misspelt.has(path.join('.'))))
    .map(issue => ({ path: issue.path, message: wordsOf(issue), hint: hintFor(issue.path) }))
  return [...unknown.map(({ meantPath, ...issue }) => issue), ...others]
}

function unknownSetting(above: SettingPath, key: string): DescribedIssue & { meantPath: string } {
  const known = settingsAt(above)
  const meant = nearest(key, known)
  const path = [...above, key]
  const isOfSource = above[0] === 'sources' && above.length === 2
  return {
    path,
    message: meant === undefined ? 'no such setting' : `no such setting; did you mean ${meant}?`,
    hint: isOfSource ? `A source may have: ${SOURCE_SETTING_NAMES.join(', ')}.` : hintFor(path),
    meantPath: [...above, meant ?? ''].join('.'),
  }
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'not understood'
  return issue.path.length === 0
    ? 'write sections such as "sources:", each with its settings below it'
    : issue.message
}

function hintFor([section, _, setting]: SettingPath): string {
  if (setting === 'before' || setting === 'after') return 'docs/hooks.md explains "before" and "after".'
  const name = String(section)
  return (Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : undefined) ?? SOURCE_EXAMPLE
}

function valueAt(value: unknown, path: SettingPath): unknown {
  return path.reduce<unknown>(
    (found, name) =>
      typeof found === 'object' && found !== null && Object.hasOwn(found, name)
        ? (found as Record<PropertyKey, unknown>)[name]
        : undefined,
    value,
  )
}
