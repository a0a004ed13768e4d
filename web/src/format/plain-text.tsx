import { Fragment } from 'react'

/**
 * Control characters, those that turn the direction of text around, breaks of lines, letters without a shape,
 * and marks that pile up over the lines around: they could hide what a text says. A joiner between two
 * pictures makes one picture of them.
 */
const UNSEEN =
  /(?<!\p{ExtPict}(?:\ufe0f|[\u{1f3fb}-\u{1f3ff}])?(?=\u200d\p{ExtPict}))(?:[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]|\u034f|\u17b4|\u17b5|(?<=\p{M}{6})\p{M})/gu

/** How an unseen character is shown. */
function visible(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** A text from outside with nothing in it that cannot be seen; lines stay lines if `keepsLines`. */
export function visibleText(text: string, keepsLines = false): string {
  return text.replace(UNSEEN, character =>
    keepsLines && (character === '\n' || character === '\t') ? character : visible(character),
  )
}

/** More of a text is a page of its own: it would push away what stands below. */
const MOST_CHARACTERS = 300

/**
 * A text from outside (a name, a caption, an error): it cannot turn around the text beside it. Nothing of it
 * is markup. A very long one is cut; pointing at it shows the whole. See `LongText`.
 */
export function PlainText({ children }: { children: string | null | undefined }) {
  if (children === null || children === undefined || children === '') return <Fragment>–</Fragment>
  const whole = visibleText(children)
  const cut = cutText(whole)
  return <bdi title={cut === whole ? undefined : whole}>{cut}</bdi>
}

/** The beginning of a very long text, with a sign that there is more. */
export function cutText(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text
  // Half of a character would be none.
  return `${text
    .slice(0, MOST_CHARACTERS)
    .toWellFormed()
    .replace(/\ufffd$/, '')}…`
}
