import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import { CONFIG_FILE_SCHEMA, type ConfigFileContents } from '#config/config-file-schema.ts'
import { describeIssues, SOURCE_EXAMPLE } from '#config/config-issues.ts'
import { ownSecretIn } from '#config/config-variables.ts'
import type { SettingPath } from '#config/setting-names.ts'

/** Something wrong in the file. Never repeats a value, which may be a password. */
export interface ConfigProblem {
  /** From 1; null for the file as a whole. */
  line: number | null
  column: number | null
  /** `sources.shop.type`; empty for the file as a whole. */
  path: string
  message: string
  hint: string | null
}

/** A text in the file. */
export interface ConfigText {
  path: SettingPath
  text: string
  /** A problem at this place. */
  problem(message: string, hint: string): ConfigProblem
}

export interface ConfigDocument {
  /** Undefined when there are problems. */
  contents: ConfigFileContents | undefined
  /** In the order of the file. */
  problems: ConfigProblem[]
  texts: ConfigText[]
  /** A problem at a setting, or at the nearest one above it that the file has. */
  problemAt(path: SettingPath, of: { message: string; hint?: string | undefined }): ConfigProblem
}

/** What is wrong with the YAML, by the code of its library. */
const YAML_WORDS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab stands where YAML needs spaces',
  DUPLICATE_KEY: 'this name stands twice',
  BAD_INDENT: 'the indentation does not fit',
  MISSING_CHAR: 'a colon, a bracket or a quotation mark is missing',
  MULTILINE_IMPLICIT_KEY: 'a colon or a bracket may be missing in the line before',
}

/** Reads the text of `telegram-backup.yaml`, and finds everything that the text alone shows to be wrong. */
export function readConfigDocument(text: string): ConfigDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): Pick<ConfigProblem, 'line' | 'column'> => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const problemAt: ConfigDocument['problemAt'] = (path, { message, hint }) => ({
    ...at(offsetOf(document, path)),
    path: shownPath(path),
    message,
    hint: hint ?? null,
  })
  const texts = textsOf(document).map(
    ({ path, text, offset }): ConfigText => ({
      path,
      text,
      problem: (message, hint) => ({ ...at(offset), path: shownPath(path), message, hint }),
    }),
  )
  const withProblems = (problems: ConfigProblem[]): ConfigDocument => ({
    contents: undefined,
    problems: problems.toSorted(byPlace),
    texts,
    problemAt,
  })
  const faults = [...document.errors, ...document.warnings] as YAMLError[]
  if (faults.length > 0) {
    return withProblems(
      faults.map(({ pos, code }) => ({
        ...at(pos[0]),
        path: '',
        message: `no valid YAML: ${YAML_WORDS[code] ?? code}`,
        hint: SOURCE_EXAMPLE,
      })),
    )
  }
  let value: unknown
  try {
    value = document.toJS() ?? {}
  } catch {
    // An alias of nothing, or a bomb of aliases.
    return withProblems([problemAt([], { message: 'no valid YAML (an alias cannot be resolved)' })])
  }
  const parsed = CONFIG_FILE_SCHEMA.safeParse(value)
  const issues = parsed.success ? [] : describeIssues(parsed.error.issues, value)
  const problems = [...ownSecrets(texts), ...issues.map(({ path, ...words }) => problemAt(path, words))]
  if (problems.length > 0 || !parsed.success) return withProblems(problems)
  return { contents: parsed.data, problems: [], texts, problemAt }
}

/** Otherwise a URL in the file could send the token to any host. */
function ownSecrets(texts: readonly ConfigText[]): ConfigProblem[] {
  return texts.flatMap(({ text, problem }) => {
    const name = ownSecretIn(text)
    if (name === undefined) return []
    return [
      problem(
        `\${${name}} is a secret of this program and is not filled in`,
        'Keep the password of a source or a webhook in a variable of its own.',
      ),
    ]
  })
}

function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}

/** A name may be long and hostile. */
function shownPath(path: SettingPath): string {
  return path.map(name => String(name).slice(0, 80)).join('.')
}

function textsOf(document: Document): { path: SettingPath; text: string; offset: number }[] {
  const found: { path: SettingPath; text: string; offset: number }[] = []
  visit(document, {
    Scalar: (key, node, ancestors) => {
      if (typeof node.value !== 'string') return
      const above = ancestors.flatMap((one, index): PropertyKey[] => {
        if (isPair(one)) return [isScalar(one.key) ? String(one.key.value) : '']
        const child = ancestors[index + 1]
        return isSeq(one) && child !== undefined ? [one.items.indexOf(child)] : []
      })
      const path = typeof key === 'number' ? [...above, key] : above
      found.push({ path, text: node.value, offset: node.range?.[0] ?? 0 })
    },
  })
  return found
}

/** The offset of a setting in the text, else of the nearest one above it. */
function offsetOf(document: Document, path: SettingPath): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const name = path[length - 1]
    if (isSeq(parent)) {
      const item = parent.items[Number(name)]
      if (isNode(item) && item.range) return item.range[0]
    }
    const pair = isMap(parent) ? parent.items.find(({ key }) => String(key) === name) : undefined
    if (isNode(pair?.key) && pair.key.range) return pair.key.range[0]
  }
  return 0
}
