import { NAME } from '#postgres/restore/selection/dump-names.ts'

/** Settings of a dump for the session that restores it. */
const FOR_ALL =
  /^(?:SET (?:statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout|client_encoding|standard_conforming_strings|check_function_bodies|xmloption|client_min_messages|row_security|default_with_oids) = [^;]*;|SELECT pg_catalog\.set_config\('search_path', '', false\);)$/
const PLACEMENT = /^SET (default_tablespace|default_table_access_method) = [^;]*;$/
const AUTHORIZATION = new RegExp(
  `^(?:SET SESSION AUTHORIZATION (?:${NAME}|'[^']*')|RESET SESSION AUTHORIZATION);$`,
)

/** Where a table lies, and whose rights count. */
export interface SettingsNow {
  placement: string
  authorization: string
}

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

  /** What counts now, for a statement that may be passed on later. */
  get now(): SettingsNow {
    const placement = [...this.#placements.values()].map(text => `${text}\n`).join('')
    return { placement, authorization: this.#authorization }
  }

  /** What has to stand before a statement that is passed on, if it was not said before. */
  before({ placement, authorization }: SettingsNow = this.now): string {
    const isPlaced = placement === this.#said
    const isAuthorized = authorization === this.#saidAuthorization
    this.#said = placement
    this.#saidAuthorization = authorization
    const authorized = authorization === '' ? 'RESET SESSION AUTHORIZATION;' : authorization
    return `${isPlaced ? '' : placement}${isAuthorized ? '' : `${authorized}\n`}`
  }
}
