import type { LinesReason } from '#postgres/lines/lines-record.ts'
import { NAME } from '#postgres/restore/selection/dump-names.ts'

/** As many bytes of a statement show what it does. */
export const STATEMENT_HEAD_BYTES = 512

/** First words of statements that change no row that a COPY has loaded. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...[
    'analyze',
    'comment',
    'copy',
    'create',
    'grant',
    'import',
    'refresh',
    'reset',
    'revoke',
    'security',
    'set',
  ],
])

/** Calls of pg_dump: they set sequences and write large objects. */
const CALL_OF_PG_DUMP =
  /^select\s+pg_catalog\.(?:set_config|setval|lo_\w+|lowrite|pg_set_sequence_data)\s*\(/i
const TRIGGER = /^create\s+(?:or\s+replace\s+)?(?:constraint\s+)?trigger\s/i
/** Other kinds of objects hold no rows; domains and enums give rows another text. */
const HOLDS_NO_ROWS = /^alter\s+(?!(?:table|foreign|materialized|type|domain)\s)/i
const CHANGES_NO_ROW = new RegExp(
  `^alter\\s+(?:table|foreign\\s+table|materialized\\s+view|type|domain)\\s+(?:only\\s+)?${NAME}(?:\\.${NAME})?\\s+(?:${[
    'add\\s+constraint',
    'alter\\s+(?:column\\s+)?\\S+\\s+set\\s+(?:default|statistics|storage|not\\s+null|\\(|compression)',
    'attach',
    'cluster',
    'disable',
    'enable',
    'force',
    'no\\s+force',
    'owner',
    'replica',
    'set\\s+(?:\\(|without|with|logged|unlogged)',
    'validate',
  ].join('|')})`,
  'i',
)

export interface DumpState {
  /** A COPY was before. */
  hasRows: boolean
  /** A trigger was made before. */
  hasTriggers: boolean
}

/**
 * Whether a statement of a dump may change rows that its COPYs load, so that the restored ones need not be
 * those of the dump. Reading on, a statement that pg_dump never writes counts as one that does.
 * @param word the first one, in lower case
 * @param head its beginning, {@link STATEMENT_HEAD_BYTES} as Latin-1
 */
export function changeBy(word: string, head: string, state: DumpState): LinesReason | undefined {
  if (word === 'insert') return 'inserts'
  if (word === 'create') {
    state.hasTriggers ||= TRIGGER.test(head)
    return undefined
  }
  if (HARMLESS.has(word)) return undefined
  if (word === 'select') return CALL_OF_PG_DUMP.test(head) ? undefined : 'changes'
  // Before the first rows: statements of --clean, and definitions.
  if (word === 'drop' || word === 'alter') {
    const isHarmless = !state.hasRows || HOLDS_NO_ROWS.test(head) || CHANGES_NO_ROW.test(head)
    return isHarmless ? undefined : 'changes'
  }
  return 'changes'
}

const ENCODING = /^set\s+client_encoding\s*(?:=|to)\s*'?([\w-]+)'?\s*;/i

/** The encoding that a statement sets. */
export function encodingSetBy(head: string): string | undefined {
  return ENCODING.exec(head)?.[1]
}
