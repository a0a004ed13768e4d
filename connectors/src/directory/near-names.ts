import { escapeName } from '@telegram-backup/archive'
import { BackupError, type Hint, type HintAction, hint, option } from '@telegram-backup/errors'

const MAX_NEAR = 5

/** Collects names like one that was asked for, or like the last name of a pattern. */
export class NearNames {
  readonly #basename: string
  readonly #near: string[] = []

  constructor(wanted: string) {
    this.#basename = basenameOf(wanted).replace(/[*?[\]\\]/g, '')
  }

  add(path: string): void {
    if (this.#near.length >= MAX_NEAR || this.#basename === '') return
    const basename = basenameOf(path)
    if (basename !== '' && basename.includes(this.#basename)) this.#near.push(path)
  }

  hint(list: HintAction): string | Hint {
    if (this.#near.length === 0) return hint`${list} shows all names.`
    return `Did you mean ${this.#near.map(path => `"${escapeName(path)}"`).join(', ')}?`
  }
}

/** @param list the command that shows all names */
export function nameNotFound(wanted: string, near: NearNames, list: HintAction): BackupError {
  return new BackupError(`The backup holds no ${JSON.stringify(wanted)}`, {
    code: 'NOT_FOUND',
    hint: wanted.includes('\ufffd')
      ? hint`Give a name that is not UTF-8 as ${option('list')} prints it.`
      : near.hint(list),
  })
}

function basenameOf(path: string): string {
  return (path.replace(/\/+$/, '').split('/').at(-1) ?? '').toLowerCase()
}
