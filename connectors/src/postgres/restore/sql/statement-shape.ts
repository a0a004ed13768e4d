/**
 * What psql remembers of a statement to find its end (`psqlscan.l`): a `;` inside parentheses, or inside the
 * BEGIN … END of a function in standard SQL, does not end it.
 */
export class StatementShape {
  /** It has more than blanks and comments. */
  begun = false
  parentheses = 0
  #begins = 0
  #words = 0
  /** Initials of keywords among the first four words. */
  #initials = ''

  /** Whether a `;` here ends the statement. */
  get isClosed(): boolean {
    return this.parentheses === 0 && this.#begins === 0
  }

  /** The next word, in lower case; '' for a word that is too long for a keyword. */
  word(word: string): void {
    this.begun = true
    if (this.#words < 4 && INITIALS.has(word)) this.#initials += word.charAt(0)
    else if (this.#words < 4) this.#initials += '-'
    this.#words++
    if (this.parentheses === 0 && BODY.test(this.#initials)) this.#followBody(word)
  }

  #followBody(word: string): void {
    if (word === 'begin' || (word === 'case' && this.#begins > 0)) this.#begins++
    else if (word === 'end' && this.#begins > 0) this.#begins--
  }
}

const INITIALS: ReadonlySet<string> = new Set(['create', 'function', 'procedure', 'or', 'replace'])
const BODY = /^c(f|p|or[fp])/
export const LONGEST_KEYWORD_BYTES = 9
