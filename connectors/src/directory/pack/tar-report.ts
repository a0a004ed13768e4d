import { lstatSync } from 'node:fs'
import { type Member, memberPathOf, shownBytes } from '@telegram-backup/archive'
import { BackupError, type Hint, hint, option } from '@telegram-backup/errors'
import type { Allowance, SkippedFile } from '#allowances.ts'
import { parseTarWord } from '#directory/pack/tar-words.ts'
import type { ChildEnd } from '#programs/child-output.ts'

/** Most notes and errors that are kept. */
const MAX_NOTES = 100
/** Most files that are named; all are counted. */
const MAX_NAMED = 100_000

/** What tar said about single files, and whether the backup counts as good. */
export class TarReport {
  /** Files left out or torn, in tar's order; {@link MAX_NAMED} at most. */
  readonly skipped: SkippedFile[] = []
  /** The number of all of them. */
  skippedCount = 0
  readonly notes: string[] = []
  readonly #directory: string
  readonly #allowed: ReadonlySet<Allowance>
  readonly #errors: string[] = []
  readonly #changed = new Set<string>()
  /** Sizes in the backup, for directories whose files may grow. */
  readonly #sizes: Map<string, number> | undefined
  #refused: SkippedFile | undefined
  #sawEnd = false

  /** @param options.mayGrow a file that only grew is whole, as far as it is in the backup */
  constructor(options: { directory: string; allowed: Iterable<Allowance>; mayGrow: boolean }) {
    this.#directory = options.directory
    this.#allowed = new Set(options.allowed)
    this.#sizes = options.mayGrow ? new Map() : undefined
  }

  /** Whether the backup has failed already, however tar ends. */
  get isHopeless(): boolean {
    return this.#errors.length > 0 || this.#refused !== undefined
  }

  /** Takes one line of stderr, Latin-1. */
  hear(line: string): void {
    const word = parseTarWord(line)
    if (word.kind === 'end') this.#sawEnd = true
    else if (word.kind === 'note') keep(this.notes, word.text)
    else if (word.kind === 'error') keep(this.#errors, word.text)
    else if (word.kind === 'changed') this.#changed.add(word.name.toString('latin1'))
    else {
      const reason = word.kind === 'shrank' ? 'changed' : word.kind
      this.skip({ path: shownBytes(word.name), reason })
    }
  }

  skip(file: SkippedFile): void {
    this.skippedCount += 1
    if (this.skipped.length < MAX_NAMED) this.skipped.push(file)
    if (!this.#allowed.has(file.reason)) this.#refused ??= file
  }

  add(member: Member): void {
    if (member.kind === 'file') this.#sizes?.set(member.path, member.size)
  }

  /** Throws `SOURCE` unless all that went wrong was allowed. */
  judge(end: ChildEnd): void {
    this.#judgeChanges()
    const [error] = this.#errors
    if (error !== undefined) throw failure(`tar failed: ${error}`, 'Fix the cause and send again.')
    if (this.#refused !== undefined) throw refusal(this.#refused)
    // 1 means "some files differ", 2 an error that had its own line and was allowed; others are unknown.
    const isExplained =
      end.code === 0 || end.code === 1 || (end.code === 2 && this.#sawEnd && this.skippedCount > 0)
    if (isExplained) return
    const how = end.signal === null ? `ended with exit code ${end.code}` : `was ended by ${end.signal}`
    throw failure(`tar ${how}`, 'The messages that were already sent are deleted. Send again.')
  }

  /** A folder whose list of names changed is whole; so is a log that only grew. */
  #judgeChanges(): void {
    for (const name of this.#changed) {
      const bytes = Buffer.from(name, 'latin1')
      const facts = lstatSync(Buffer.concat([Buffer.from(`${this.#directory}/`), bytes]), {
        throwIfNoEntry: false,
      })
      const path = shownBytes(bytes)
      const sizeBytes = this.#sizes?.get(memberPathOf(bytes))
      if (facts?.isDirectory()) keep(this.notes, `${path}: files were added or removed while it was read`)
      else if (sizeBytes !== undefined && facts !== undefined && facts.size > sizeBytes)
        keep(this.notes, `${path}: grew while it was read`)
      else this.skip({ path, reason: 'changed' })
    }
    this.#changed.clear()
  }
}

function keep(list: string[], text: string): void {
  if (list.length < MAX_NOTES) list.push(text)
}

const REASON_WORDS: Readonly<Record<SkippedFile['reason'], string>> = {
  unreadable: 'cannot be read',
  vanished: 'vanished before it was read',
  changed: 'was written to while it was read',
}

function refusal({ path, reason }: SkippedFile): BackupError {
  const advice =
    reason === 'changed'
      ? hint`Send a snapshot, or send when nothing writes there; ${option('allow', 'changed')} accepts such files, but their contents may be inconsistent.`
      : hint`${option('allow', reason)} backs up the rest and lists the missing files (exit code 3); ${option('exclude')} leaves files out.`
  return failure(`${path} ${REASON_WORDS[reason]}`, advice)
}

function failure(message: string, hint: string | Hint): BackupError {
  return new BackupError(message, { code: 'SOURCE', hint })
}
