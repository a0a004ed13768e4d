import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type OurSql, readOurSql } from '#test/hostile/our-sql.ts'

/** Where it is planted. */
export interface Ground {
  /**
   * Runs statements in the database as somebody who may `set session authorization`; resolves to the last
   * line of what the last of them answers.
   */
  run(sql: string): Promise<string>
  /** A role without rights, that may create in `public`. */
  role: string
  /** It owns its database, and puts `public` before pg_catalog for all who connect. */
  ownsDatabase: boolean
}

/** What has been planted. */
export interface Planted {
  /** Stands in the server's log (of level LOG) for each time that something of it has run. */
  word: string
  calls: Set<string>
  operators: Set<string>
  types: Set<string>
  relations: Set<string>
}

const PLANTING = new URL('planting.sql', import.meta.url)

/**
 * Plants in `public` a better fitting double of every function, operator, type and relation that our SQL
 * names, so far as PostgreSQL lets anybody: what of it is run by us has been found by the search path.
 */
export async function plantOverloads({ run, role, ownsDatabase }: Ground): Promise<Planted> {
  const sql = await readOurSql()
  const word = `planted-${randomUUID()}`
  const settings = {
    word,
    calls: [...sql.calls].join(','),
    operators: [...sql.operators].join(' '),
    types: [...sql.types].join(','),
    relations: [...sql.relations].join(','),
  }
  const set = Object.entries(settings).map(
    ([name, value]) => `set planter.${name} = '${value.replaceAll("'", "''")}';`,
  )
  const path = ownsDatabase
    ? `do $$ begin
         execute format('alter database %I set search_path = public, pg_catalog', current_database());
         execute format('alter database %I set constraint_exclusion = on', current_database());
       end $$;`
    : ''
  const answer = await run(
    `set session authorization "${role}";\n${set.join('\n')}\n${await readFile(PLANTING, 'utf8')}\n${path}
     select json_object_agg(kind, names) from (select kind, json_agg(distinct name) as names from pg_temp.planted group by kind) kinds;`,
  )
  const names = JSON.parse(answer) as Record<string, string[] | undefined>
  return {
    word,
    calls: new Set(names['call']),
    operators: new Set(names['operator']),
    types: new Set(names['type']),
    relations: new Set(names['relation']),
  }
}

/** What of it has run, as the server's log tells. */
export function ranOf({ word }: Pick<Planted, 'word'>, serverLog: string): string[] {
  return serverLog
    .split('\n')
    .filter(line => line.includes('LOG:') && line.includes(`${word} `))
    .map(line => line.slice(line.indexOf(`${word} `) + word.length + 1))
}

/** What looks like a call in SQL and is none that could be planted, by the reason. */
const NO_CALLS: Readonly<Record<string, string>> = {
  'a word of the language':
    'all and any array as by check coalesce conflict exists filter from greatest in include into join key lateral least nullif on operator or over row select set then unique using values when where with',
  'the beginning of a statement that the server puts together': 'copy',
  'a piece of a pattern for names': '_ pg_',
  'a table of the demo, in a database of its own': 'orders',
  'a word of a message for people': 'dumped schedule',
}

/**
 * The calls in our SQL that were not planted and that nobody has given a reason for, with the file of each.
 */
export function unplanted(sql: OurSql, planted: Planted): string[] {
  const known = new Set(Object.values(NO_CALLS).flatMap(words => words.split(' ')))
  return [...sql.surely]
    .filter(([call]) => !planted.calls.has(call) && !known.has(call))
    .map(([call, path]) => `${call} in ${path}`)
}
