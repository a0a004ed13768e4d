/** Text for roff: nothing in it is taken for a request or an escape, and a hyphen can be copied. */
export function roffText(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/[^\p{ASCII}]/gu, character => `\\[u${hexOf(character)}]`)
    .replace(/^(?=[.'])/gm, '\\&')
}

/** At least four digits, as groff wants them. */
function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
}

export function bold(text: string): string {
  return `\\fB${roffText(text)}\\fR`
}

export function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH "${title.toUpperCase()}"`, ...lines]
}

/** A term, and its explanation indented below it. */
export function item(term: string, explanation: string): string[] {
  return ['.TP', term, roffText(explanation) || '\\&']
}

/** Lines that stay as they are. */
export function verbatim(lines: readonly string[]): string[] {
  return ['.nf', ...lines.map(line => roffText(line) || '\\&'), '.fi']
}
