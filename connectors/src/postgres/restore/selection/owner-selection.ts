import { BackupError, type Hint, hint, option } from '@telegram-backup/errors'
import { asBytes, asText, quoted, unquoted } from '#postgres/restore/selection/dump-names.ts'
import type {
  Choice,
  CopyStart,
  DumpSelection,
  StatementStart,
} from '#postgres/restore/selection/dump-selection.ts'
import { isBlank, type SqlToken, tokensOf } from '#postgres/restore/selection/sql-tokens.ts'
import type { OwnerWishes } from '#restoring.ts'

/** First words of the statements that may name a role; of CREATE, the words behind it say so. */
const TAKEN_WORDS: ReadonlySet<string> = new Set([
  ...['alter', 'grant', 'revoke', 'set', 'reset', 'reassign', 'drop'],
])
const TAKEN_CREATE = /^create\s+(?:policy|user\s+mapping|schema)\b/i
const NAME = /^(?:[A-Za-z_\x80-\xff][\w$\x80-\xff]*|"(?:[^"]|"")+")$/
/** Names may be such words; before a list of roles they follow another word. */
const BEFORE: Readonly<Record<string, string>> = { BY: 'GRANTED', ROLE: 'FOR', USER: 'FOR' }
/** Words that stand for a role. */
const NO_ROLES: ReadonlySet<string> = new Set(['PUBLIC', 'CURRENT_USER', 'CURRENT_ROLE', 'SESSION_USER'])

/**
 * Leaves out or rewrites what gives objects and rights to roles. It reads the tokens of whole statements, so
 * that a name or a text that looks like such a clause changes nothing. A statement that hands something to a
 * role in a way that pg_dump does not write is refused.
 */
export class OwnerSelection implements DumpSelection {
  readonly #wishes: OwnerWishes
  readonly #map: ReadonlyMap<string, string>
  readonly #named = new Set<string>()

  constructor(wishes: OwnerWishes) {
    this.#wishes = wishes
    this.#map = new Map(wishes.mapRoles.map(({ from, to }) => [asBytes(from), asBytes(to)]))
  }

  /** Roles to be replaced that the dump did not name, for people. */
  get remarks(): string[] {
    return [...this.#map.keys()]
      .filter(from => !this.#named.has(from))
      .map(from => `the backup names no role ${asText(from)}, so nothing was given to another one for it`)
  }

  entry(): string {
    return ''
  }

  choose({ word, text }: StatementStart): Choice {
    const isTaken = TAKEN_WORDS.has(word) || (word === 'create' && TAKEN_CREATE.test(text))
    return isTaken ? 'take' : 'pass'
  }

  copy({ table, columns }: CopyStart): string {
    return `COPY ${table} ${columns === undefined ? '' : `(${columns}) `}FROM stdin;\n`
  }

  end(): string {
    return ''
  }

  taken(text: string): string {
    const all = tokensOf(text)
    const tokens = all.filter(token => !isBlank(token))
    const words = tokens.map(({ word }) => word)
    const replaced = this.#replaced(tokens, words)
    if (replaced === 'left out') return ''
    const { role } = this.#wishes
    // This gives up the role of the restore too.
    const isReset = role !== undefined && words[1] === 'SESSION' && words[2] === 'AUTHORIZATION'
    const again = isReset && isBackToUser(tokens) ? `\nSET LOCAL ROLE ${quoted(asBytes(role))};` : ''
    return `${all.map(token => replaced.get(token) ?? token.text).join('')}${again}\n`
  }

  /** What stands in place of some tokens. */
  #replaced(tokens: SqlToken[], words: string[]): Map<SqlToken, string> | 'left out' {
    const { noOwner, noAcl } = this.#wishes
    const [first, second] = words
    switch (first) {
      case 'GRANT':
      case 'REVOKE':
        if (!words.includes('ON')) throw unclear(`${first} of a role`)
        return noAcl
          ? 'left out'
          : this.#roles(tokens, words, from => indexesOf(words, tokens, from, ['TO', 'FROM', 'BY']))
      case 'SET':
      case 'RESET':
        if (second === 'ROLE' || (words[1] === 'LOCAL' && words[2] === 'ROLE')) throw unclear(`${first} ROLE`)
        if (second !== 'SESSION' || words[2] !== 'AUTHORIZATION') return new Map()
        // Whoever sets it gives a right, or makes an object of that role.
        if (noOwner || noAcl) return 'left out'
        return first === 'RESET' ? new Map() : this.#listAt(tokens, 3)
      case 'REASSIGN':
        throw unclear('REASSIGN OWNED')
      case 'DROP':
        if (second === 'OWNED') throw unclear('DROP OWNED')
        return new Map()
      case 'CREATE':
        return this.#create(tokens, words)
      default:
        return this.#alter(tokens, words)
    }
  }

  #alter(tokens: SqlToken[], words: string[]): Map<SqlToken, string> | 'left out' {
    const { noOwner, noAcl } = this.#wishes
    if (words[1] === 'DEFAULT' && words[2] === 'PRIVILEGES') {
      return noAcl
        ? 'left out'
        : this.#roles(tokens, words, from => indexesOf(words, tokens, from, ['ROLE', 'USER', 'TO', 'FROM']))
    }
    if (words[1] === 'POLICY') throw unclear('ALTER POLICY')
    const at = words.findIndex(
      (word, index) => word === 'OWNER' && words[index + 1] === 'TO' && tokens[index]?.depth === 0,
    )
    // A column may have that name.
    if (at < 0 || words.slice(2, at).includes('RENAME')) return new Map()
    const isLast = tokens.length === at + 4 && tokens[at + 3]?.text === ';'
    if (!isLast || !NAME.test(tokens[at + 2]?.text ?? '')) throw unclear('ALTER … OWNER TO')
    const map = this.#listAt(tokens, at + 2)
    return noOwner ? 'left out' : map
  }

  #create(tokens: SqlToken[], words: string[]): Map<SqlToken, string> {
    if (words[1] === 'POLICY')
      return this.#roles(tokens, words, from => indexesOf(words, tokens, from, ['TO']))
    if (words[1] === 'USER')
      return this.#roles(tokens, words, from => indexesOf(words, tokens, from, ['FOR']))
    const at = words.indexOf('AUTHORIZATION')
    if (at < 0) return new Map()
    if (at < 3 || !NAME.test(tokens[at + 1]?.text ?? '')) throw unclear('CREATE SCHEMA AUTHORIZATION')
    const map = this.#listAt(tokens, at + 1)
    if (!this.#wishes.noOwner) return map
    return new Map(tokens.slice(at, at + 2).map(token => [token, '']))
  }

  #roles(tokens: SqlToken[], words: string[], find: (from: number) => number[]): Map<SqlToken, string> {
    // Behind the name of a policy or a mapping; other statements have no name there.
    const lists = find(words[0] === 'CREATE' ? 2 : 1)
    return new Map(lists.flatMap(at => [...this.#listAt(tokens, at + 1)]))
  }

  /** The list of roles that begins there. */
  #listAt(tokens: SqlToken[], from: number): Map<SqlToken, string> {
    const replaced = new Map<SqlToken, string>()
    let isNameNext = true
    for (const token of tokens.slice(from)) {
      if (isNameNext && token.word === 'GROUP') continue
      if (!isNameNext && token.text !== ',') break
      isNameNext = !isNameNext
      if (isNameNext || NO_ROLES.has(token.word)) continue
      const isConstant = /^'(?:[^']|'')*'$/.test(token.text)
      if (!isConstant && !NAME.test(token.text)) throw unclear('list of roles')
      const name = isConstant ? token.text.slice(1, -1).replaceAll("''", "'") : nameIn(token.text)
      this.#named.add(name)
      const to = this.#map.get(name)
      if (to !== undefined) replaced.set(token, quoted(to))
    }
    return replaced
  }
}

function nameIn(text: string): string {
  return text.startsWith('"') ? unquoted(text) : text.replace(/[A-Z]/g, letter => letter.toLowerCase())
}

/** Where one of these words stands outside of parentheses. */
function indexesOf(words: string[], tokens: SqlToken[], from: number, which: readonly string[]): number[] {
  return words.flatMap((word, at) => {
    const isOne = at >= from && which.includes(word) && tokens[at]?.depth === 0
    const before = BEFORE[word]
    return isOne && (before === undefined || words[at - 1] === before) ? [at] : []
  })
}

function isBackToUser(tokens: SqlToken[]): boolean {
  return tokens[0]?.word === 'RESET' || tokens[3]?.word === 'DEFAULT'
}

function unclear(what: string): BackupError {
  const advice: Hint = hint`pg_dump never writes such a statement. Restore without ${option('no-owner')}, ${option('no-acl')}, ${option('role')} and ${option('map-role')}, if you trust who made the dump.`
  return new BackupError(`The dump holds a statement (${what}) whose roles cannot be judged`, {
    code: 'UNRESTORABLE',
    hint: advice,
  })
}
