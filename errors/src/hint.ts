/**
 * A step that the program offers: a `command`, or an `option` to add to the request. Each face words it; a
 * `value` in capitals stands for what the person knows.
 */
export type HintAction =
  | {
      readonly command: string
      readonly operands: readonly string[]
      readonly options: Readonly<Record<string, string | true>>
    }
  | { readonly option: string; readonly value: string | undefined }

/** Words an action; undefined if the face has no words for it. */
export type HintWords = (action: HintAction) => string | undefined

/** What to do next, as data: text and actions. */
export class Hint {
  readonly parts: readonly (string | HintAction)[]

  constructor(parts: readonly (string | HintAction)[]) {
    this.parts = parts
  }

  /** Worded by a face; undefined if it has no words for one of the actions. */
  in(words: HintWords): string | undefined {
    const said = this.parts.map(part => (typeof part === 'string' ? part : words(part)))
    return said.includes(undefined) ? undefined : said.join('')
  }

  /** A copy with other words between its actions. */
  map(change: (words: string) => string): Hint {
    return new Hint(this.parts.map(part => (typeof part === 'string' ? change(part) : part)))
  }

  /** In the words of the command line, which also stand in logs, notices and texts of the catalog. */
  toString(): string {
    return this.in(commandLineWords) ?? ''
  }
}

/** Template tag: hint`Run "${run('reconcile')}" again.` */
export function hint(
  texts: TemplateStringsArray,
  ...between: readonly (string | number | HintAction)[]
): Hint {
  const parts = texts.flatMap((text, index): (string | HintAction)[] => {
    const next = between[index]
    if (next === undefined) return [text]
    return [text, typeof next === 'object' ? next : String(next)]
  })
  return new Hint(parts)
}

/** A command, such as run('list', { state: 'complete' }) or run('show', 'ID'). */
export function run(
  command: string,
  ...args: readonly (string | Readonly<Record<string, string | true>>)[]
): HintAction {
  const operands = args.filter(arg => typeof arg === 'string')
  const options = Object.assign({}, ...args.filter(arg => typeof arg === 'object'))
  return { command, operands, options }
}

/** An option of what was asked for, such as option('overwrite') or option('links', 'skip'). */
export function option(name: string, value?: string): HintAction {
  return { option: name, value }
}

export function commandLineWords(action: HintAction): string {
  if ('option' in action) return flag(action.option, action.value ?? true)
  const options = Object.entries(action.options).map(([name, value]) => flag(name, value))
  return ['telegram-backup', action.command, ...action.operands, ...options].join(' ')
}

function flag(name: string, value: string | true): string {
  return value === true ? `--${name}` : `--${name} ${value}`
}
