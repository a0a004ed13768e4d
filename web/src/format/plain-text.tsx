import { Fragment } from 'react'

/** Control characters, and those that turn the direction of text around: they could hide what a text says. */
const UNSEEN = /[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu

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

/**
 * A text from outside (a name, a caption, an error): it cannot turn around the text beside it. Nothing of it
 * is markup.
 */
export function PlainText({ children }: { children: string | null | undefined }) {
  if (children === null || children === undefined || children === '') return <Fragment>–</Fragment>
  return <bdi>{visibleText(children)}</bdi>
}
