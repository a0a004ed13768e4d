import { escapeName } from '@telegram-backup/archive'
import { BackupError, type Hint, hint, option, run } from '@telegram-backup/errors'

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

  hint(): string | Hint {
    if (this.#near.length === 0) return hint`${run('ls', 'ID', { recursive: true })} shows all names.`
    return `Did you mean ${this.#near.map(path => `"${escapeName(path)}"`).join(', ')}?`
  }
}

export function nameNotFound(wanted: string, near: NearNames): BackupError {
  return new BackupError(`The backup holds no ${JSON.stringify(wanted)}`, {
    code: 'NOT_FOUND',
    hint: wanted.includes('\ufffd')
      ? hint`Give a name that is not UTF-8 as ${option('list')} prints it.`
      : near.hint(),
  })
}

function basenameOf(path: string): string {
  return (path.replace(/\/+$/, '').split('/').at(-1) ?? '').toLowerCase()
}
