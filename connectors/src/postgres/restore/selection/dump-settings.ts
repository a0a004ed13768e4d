import { NAME } from '#postgres/restore/selection/dump-names.ts'

/** Settings of a dump for the session that restores it. */
const FOR_ALL =
  /^(?:SET (?:statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout|client_encoding|standard_conforming_strings|check_function_bodies|xmloption|client_min_messages|row_security|default_with_oids) = [^;]*;|SELECT pg_catalog\.set_config\('search_path', '', false\);)$/
const PLACEMENT = /^SET (default_tablespace|default_table_access_method) = [^;]*;$/
const AUTHORIZATION = new RegExp(
  `^(?:SET SESSION AUTHORIZATION (?:${NAME}|'[^']*')|RESET SESSION AUTHORIZATION);$`,
)

/**
 * The settings that stand between the statements of a dump. Where a table lies and who gives a right is said
 * before each statement that they are for; it is passed on only with such a statement, since the target may
 * lack the tablespace or the role of another one.
 */
export class DumpSettings {
  readonly #placements = new Map<string, string>()
  #said = ''
  #authorization = ''
  #saidAuthorization = ''

  /** The statement to pass on at once, '' for none; undefined when it is no setting. */
  take(text: string): string | undefined {
    if (FOR_ALL.test(text)) return `${text}\n`
    const [, setting] = PLACEMENT.exec(text) ?? []
    if (setting !== undefined) {
      this.#placements.set(setting, text)
      return ''
    }
    if (!AUTHORIZATION.test(text)) return undefined
    this.#authorization = text.startsWith('RESET') ? '' : text
    return ''
  }

  /** The placement that counts now, for a statement that may be passed on later. */
  get placement(): string {
    return [...this.#placements.values()].map(text => `${text}\n`).join('')
  }

  /** What has to stand before a statement that is passed on, if it was not said before. */
  before(placement: string = this.placement): string {
    const isSaid = placement === this.#said
    this.#said = placement
    return `${isSaid ? '' : placement}${this.#changedAuthorization()}`
  }

  #changedAuthorization(): string {
    if (this.#authorization === this.#saidAuthorization) return ''
    this.#saidAuthorization = this.#authorization
    return this.#authorization === '' ? 'RESET SESSION AUTHORIZATION;\n' : `${this.#authorization}\n`
  }
}
