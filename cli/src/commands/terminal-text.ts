import { styleText } from 'node:util'
import type { TextSink } from '#host.ts'

/** A piece of text that stands out where the terminal has colours. */
export interface Styled {
  readonly text: string
  readonly style: 'red' | 'yellow' | 'green' | 'dim'
}

/** An answer for people: plain text, or pieces of it. */
export type Text = string | readonly (string | Styled)[]

/** The text alone. */
export function plain(text: Text): string {
  return rendered(text, { hasColour: false, clean: piece => piece })
}

/** The texts, each on a line of its own. */
export function linesOf(texts: readonly Text[]): Text {
  return texts.flatMap((text, index) => [...(index === 0 ? [] : ['\n']), text].flat())
}

/**
 * As printed.
 * @param options.clean applied to each piece before it gets its colour, whose characters it would remove
 */
export function rendered(
  text: Text,
  { hasColour, clean }: { hasColour: boolean; clean: (piece: string) => string },
): string {
  return [text]
    .flat()
    .map(piece => {
      if (typeof piece === 'string') return clean(piece)
      const words = clean(piece.text)
      return hasColour ? styleText(piece.style, words, { validateStream: false }) : words
    })
    .join('')
}

/**
 * Whether colours are wanted: FORCE_COLOR decides, then NO_COLOR and TERM=dumb, which turn them off; else a
 * terminal gets them.
 */
export function wantsColour(stream: TextSink, env: NodeJS.ProcessEnv): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: none, TERM: terminal } = env
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if (none !== undefined && none !== '') return false
  return stream.isTTY === true && terminal !== 'dumb'
}
