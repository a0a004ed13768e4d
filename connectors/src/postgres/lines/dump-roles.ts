import { asText, NAME, unquoted } from '#postgres/restore/selection/dump-names.ts'

const MOST_ROLES = 1_000
const LIST = `${NAME}(?:, ${NAME})*`
/** As pg_dump writes owners, grants, default privileges and policies. */
const PLACES: readonly RegExp[] = [
  new RegExp(`\\bOWNER TO (${NAME});`, 'g'),
  new RegExp(`\\b(?:GRANT|REVOKE) [^;]*? (?:TO|FROM) (${LIST})(?: WITH GRANT OPTION)?;`, 'g'),
  new RegExp(`\\bFOR ROLE (${NAME}) `, 'g'),
  new RegExp(`\\bCREATE POLICY [^;]*? TO (${LIST}) (?:USING|WITH CHECK) `, 'g'),
]
const EACH_NAME = new RegExp(NAME, 'g')

/** The roles that the statements of a dump name, whose owner a drill has to make. */
export class DumpRoles {
  readonly #names = new Set<string>()

  /** @param head the beginning of a statement, as Latin-1 */
  read(head: string): void {
    for (const place of PLACES) {
      for (const [, list = ''] of head.matchAll(place))
        for (const name of list.match(EACH_NAME) ?? []) this.#add(asText(unquoted(name)))
    }
  }

  /** Sorted. */
  get names(): string[] {
    return [...this.#names].sort()
  }

  #add(name: string): void {
    const isOwn = name !== 'public' && !name.startsWith('pg_') && name.isWellFormed()
    if (isOwn && this.#names.size < MOST_ROLES) this.#names.add(name)
  }
}
