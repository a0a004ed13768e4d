import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** What the SQL of this program names, found by reading its source. */
export interface OurSql {
  /**
   * Whatever is called like a function, and what is cast to, lower case: more than is SQL, since a text of
   * TypeScript may look so.
   */
  calls: Set<string>
  /** Calls in what is SQL for sure, with the place of the first of each. */
  surely: Map<string, string>
  operators: Set<string>
  types: Set<string>
  relations: Set<string>
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PLACES = [
  '{api-gateway,connectors,database,engine,vault}/src/**/*.ts',
  'connectors/sql/*.sql',
  'database/migrations/*.sql',
]

const IS_SQL =
  /\b(select\s|insert into\s|update\s+[\w.:"]+\s+set\s|delete from\s|create (table|database|index|role|temporary|unique)|alter (table|database|role)\s)/i
const CALL = /(?<![\w.$:"])((?:pg_catalog\.)?([a-z_][a-z0-9_]*))\s*\(/gi
/** Kysely's: `fn.count(…)`, `fn('name', …)`, `fn<number>('name', …)`. */
const KYSELY_CALL = /\bfn(?:\.agg)?(?:\.([a-z_]\w*)|(?:<[^>]*>)?\(\s*['"]([\w.]+)['"])/gi
const CAST = /(?:::\s*|\bas\s+)(?:pg_catalog\.)?"?([a-z_][a-z0-9_]*)"?/gi
const OPERATOR = /[-+*/<>=~!@#%^&|`?]+/g
const RELATION = /\bcontrol_plane\.([a-z_]\w*)|\b(pg_[a-z_]+)/gi
/**
 * What stands before a name that has a list of columns and no arguments, and behind one: `insert into t (`,
 * `with t (x) as (`.
 */
const BEFORE_COLUMNS = /\b(?:into|table|references|as|type)\s+$/i
const AFTER_COLUMNS = /^[^()]*\)\s+as\s+(?:(?:not\s+)?materialized\s+)?\(/i

/** Reads all of the source that speaks SQL to a database. */
export async function readOurSql(): Promise<OurSql> {
  const found: OurSql = {
    calls: new Set(),
    surely: new Map(),
    operators: new Set(),
    types: new Set(),
    relations: new Set(),
  }
  for await (const path of glob(PLACES, { cwd: ROOT })) {
    const source = await readFile(join(ROOT, path), 'utf8')
    for (const text of path.endsWith('.sql') ? [withoutComments(source)] : textsIn(source)) {
      note(text, path, found)
    }
    for (const [, method, name] of source.matchAll(KYSELY_CALL)) {
      found.calls.add((method ?? name ?? '').replace(/^.*\./, '').toLowerCase())
    }
  }
  return found
}

function note(text: string, path: string, found: OurSql): void {
  const isSql = path.endsWith('.sql') || IS_SQL.test(text)
  for (const { 0: whole, 2: name = '', index } of text.matchAll(CALL)) {
    const call = name.toLowerCase()
    found.calls.add(call)
    if (BEFORE_COLUMNS.test(text.slice(0, index)) || AFTER_COLUMNS.test(text.slice(index + whole.length)))
      continue
    if (isSql && !found.surely.has(call)) found.surely.set(call, path)
  }
  for (const [operator] of text.matchAll(OPERATOR)) found.operators.add(operator)
  for (const [, name = ''] of text.matchAll(CAST)) found.types.add(name.toLowerCase())
  for (const [, qualified, name] of text.matchAll(RELATION))
    found.relations.add((qualified ?? name ?? '').toLowerCase())
}

function withoutComments(sql: string): string {
  return sql.replace(/--.*$/gm, '')
}

/** The texts of a TypeScript file; of a template the pieces joined, with a name where a value goes. */
function textsIn(source: string): string[] {
  const texts: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node))
      texts.push(withoutComments(node.text))
    if (ts.isTemplateExpression(node)) {
      const pieces = [node.head.text, ...node.templateSpans.map(span => span.literal.text)]
      texts.push(withoutComments(pieces.join(' _value_ ')))
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest))
  return texts
}
