import type { Globals } from '#postgres/cluster/globals.ts'
import { statementsOf, type Token } from '#postgres/cluster/globals-tokens.ts'
import { type DumpedMembership, type MemberOption, together } from '#postgres/cluster/memberships.ts'

/** The globals as they stand in pg_dumpall's text. */
export interface DumpedGlobals extends Globals {
  roles: DumpedRole[]
  memberships: DumpedMembership[]
  settings: { role: string; name: string; values: string[] }[]
  tablespaces: DumpedTablespace[]
  /** What is not restored, in a few words each, with the number of statements. */
  leftOut: Map<string, number>
}

export interface DumpedRole {
  name: string
  powers: string[]
  /** Attributes as keywords of CREATE ROLE: `LOGIN`, `NOSUPERUSER`. */
  attributes: string[]
  connectionLimit: number | undefined
  /** A hash. */
  password: string | undefined
  validUntil: string | undefined
  comment: string | undefined
}

export interface DumpedTablespace {
  name: string
  owner: string
  location: string
  options: { name: string; value: string }[]
  comment: string | undefined
}

const ATTRIBUTES: ReadonlySet<string> = new Set(
  ['SUPERUSER', 'INHERIT', 'CREATEROLE', 'CREATEDB', 'LOGIN', 'REPLICATION', 'BYPASSRLS'].flatMap(word => [
    word,
    `NO${word}`,
  ]),
)
const POWERS: ReadonlySet<string> = new Set(['SUPERUSER', 'CREATEROLE', 'REPLICATION', 'BYPASSRLS'])

/**
 * Reads what `pg_dumpall --globals-only` writes. A statement of another form is not an error, since later
 * versions of PostgreSQL may have more of them: it is counted in `leftOut`.
 */
export function readGlobals(text: string): DumpedGlobals {
  const found: Found = { roles: new Map(), memberships: new Map(), settings: [], tablespaces: new Map() }
  const leftOut = new Map<string, number>()
  for (const tokens of statementsOf(text)) {
    const statement = tokens && new Statement(tokens)
    if (statement && READERS.some(read => statement.try(() => read(statement, found)))) continue
    const name = tokens === undefined ? 'unknown statements' : kindOf(tokens)
    if (name !== undefined) leftOut.set(name, (leftOut.get(name) ?? 0) + 1)
  }
  const { roles, memberships, settings, tablespaces } = found
  return {
    ...{ roles: [...roles.values()], memberships: [...memberships.values()] },
    ...{ settings, tablespaces: [...tablespaces.values()], leftOut },
  }
}

/** By name, for globals with very many roles. */
interface Found {
  roles: Map<string, DumpedRole>
  memberships: Map<string, DumpedMembership>
  settings: DumpedGlobals['settings']
  tablespaces: Map<string, DumpedTablespace>
}

/** Undefined for what sets up a session: a restore sets up its own. */
function kindOf(tokens: readonly Token[]): string | undefined {
  const words = tokens.map(token => (token.is === 'word' ? token.text : ''))
  const [first = '', second = ''] = words
  if (first === 'set' || first === 'reset') return undefined
  if (first === 'grant' || first === 'revoke') {
    if (words.includes('parameter')) return 'privileges on parameters'
    return words.includes('tablespace') ? 'privileges on tablespaces' : 'memberships of unknown form'
  }
  if (first === 'security') return 'security labels'
  return first === 'alter' && second === 'role'
    ? 'settings and attributes of unknown form'
    : 'unknown statements'
}

class NotOfThisForm extends Error {}

/** Reads the tokens of one statement from left to right. */
class Statement {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  /** Whether it has the form that `read` reads, to its end. */
  try(read: () => () => void): boolean {
    this.#at = 0
    try {
      const apply = read()
      if (this.#at < this.#tokens.length) return false
      apply()
      return true
    } catch (error) {
      if (error instanceof NotOfThisForm) return false
      throw error
    }
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length
  }

  words(...expected: string[]): void {
    for (const word of expected) if (!this.takes(word)) throw new NotOfThisForm()
  }

  takes(text: string): boolean {
    const token = this.#tokens[this.#at]
    const isIt = (token?.is === 'word' || token?.is === 'sign') && token.text === text
    if (isIt) this.#at++
    return isIt
  }

  name(): string {
    return this.#next('word', 'name')
  }

  text(): string {
    return this.#next('text')
  }

  value(): string {
    return this.#next('text', 'number', 'word', 'name')
  }

  number(): number {
    return Number(this.#next('number'))
  }

  #next(...kinds: Token['is'][]): string {
    const token = this.#tokens[this.#at++]
    if (token === undefined || !kinds.includes(token.is)) throw new NotOfThisForm()
    return token.text
  }
}

/** Each reads one form, and returns what it means for the globals. */
const READERS: ReadonlyArray<(statement: Statement, found: Found) => () => void> = [
  (statement, { roles }) => {
    statement.words('create', 'role')
    const role = emptyRole(statement.name())
    return () => roles.set(role.name, role)
  },
  (statement, found) => {
    statement.words('alter', 'role')
    const role = roleIn(found, statement.name())
    statement.words('with')
    const read = readAttributes(statement)
    return () => Object.assign(role, read)
  },
  (statement, found) => {
    statement.words('alter', 'role')
    const { name: role } = roleIn(found, statement.name())
    statement.words('set')
    const setting = { role, name: statement.name(), values: [] as string[] }
    statement.words('to')
    do setting.values.push(statement.value())
    while (statement.takes(','))
    return () => found.settings.push(setting)
  },
  (statement, found) => {
    statement.words('comment', 'on', 'role')
    const role = roleIn(found, statement.name())
    statement.words('is')
    const comment = statement.text()
    return () => Object.assign(role, { comment })
  },
  (statement, { memberships }) => {
    statement.words('grant')
    const role = statement.name()
    statement.words('to')
    const member = statement.name()
    const options = readMemberOptions(statement)
    const grantors: string[] = []
    if (statement.takes('granted')) {
      statement.words('by')
      grantors.push(statement.name())
    }
    return () => {
      const key = `${role}\0${member}`
      memberships.set(key, together(memberships.get(key), { role, member, options, grantors }))
    }
  },
  (statement, { tablespaces }) => {
    statement.words('create', 'tablespace')
    const name = statement.name()
    statement.words('owner')
    const owner = statement.name()
    statement.words('location')
    const tablespace = { name, owner, location: statement.text(), options: [], comment: undefined }
    return () => tablespaces.set(name, tablespace)
  },
  (statement, found) => {
    statement.words('alter', 'tablespace')
    const tablespace = tablespaceIn(found, statement.name())
    statement.words('set', '(')
    const options: DumpedTablespace['options'] = []
    do {
      const name = statement.name()
      statement.words('=')
      options.push({ name, value: statement.value() })
    } while (statement.takes(','))
    statement.words(')')
    return () => tablespace.options.push(...options)
  },
  (statement, found) => {
    statement.words('comment', 'on', 'tablespace')
    const tablespace = tablespaceIn(found, statement.name())
    statement.words('is')
    const comment = statement.text()
    return () => Object.assign(tablespace, { comment })
  },
]

function emptyRole(name: string): DumpedRole {
  return {
    ...{ name, powers: [], attributes: [] },
    ...{ connectionLimit: undefined, password: undefined, validUntil: undefined, comment: undefined },
  }
}

type Attributes = Pick<DumpedRole, 'attributes' | 'powers' | 'connectionLimit' | 'password' | 'validUntil'>

function readAttributes(statement: Statement): Attributes {
  const read: Attributes = {
    ...{ attributes: [], powers: [] },
    ...{ connectionLimit: undefined, password: undefined, validUntil: undefined },
  }
  while (!statement.isAtEnd) {
    if (statement.takes('connection')) {
      statement.words('limit')
      read.connectionLimit = statement.number()
    } else if (statement.takes('password')) read.password = statement.text()
    else if (statement.takes('valid')) {
      statement.words('until')
      read.validUntil = statement.text()
    } else {
      const attribute = statement.name().toUpperCase()
      if (!ATTRIBUTES.has(attribute)) throw new NotOfThisForm()
      read.attributes.push(attribute)
      if (POWERS.has(attribute)) read.powers.push(attribute)
    }
  }
  return read
}

/** `WITH ADMIN OPTION` up to PostgreSQL 15, `WITH ADMIN TRUE, INHERIT FALSE` since 16. */
function readMemberOptions(statement: Statement): ReadonlyMap<MemberOption, boolean> {
  const options = new Map<MemberOption, boolean>()
  if (!statement.takes('with')) return options
  do {
    const option = statement.name()
    if (option !== 'admin' && option !== 'inherit' && option !== 'set') throw new NotOfThisForm()
    if (statement.takes('option')) options.set(option, true)
    else {
      const value = statement.name()
      if (value !== 'true' && value !== 'false') throw new NotOfThisForm()
      options.set(option, value === 'true')
    }
  } while (statement.takes(','))
  return options
}

/** pg_dumpall makes each role before it says more about it. */
function roleIn({ roles }: Found, name: string): DumpedRole {
  const role = roles.get(name)
  if (role === undefined) throw new NotOfThisForm()
  return role
}

function tablespaceIn({ tablespaces }: Found, name: string): DumpedTablespace {
  const tablespace = tablespaces.get(name)
  if (tablespace === undefined) throw new NotOfThisForm()
  return tablespace
}
