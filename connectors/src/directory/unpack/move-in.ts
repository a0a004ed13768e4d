import {
  type BigIntStats,
  chmodSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  linkSync,
  lstatSync,
  renameSync,
  unlinkSync,
} from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { memberPathOf, shownName } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import type { MovedIn } from '#directory/unpack/staging-folder.ts'
import { HeldFolder, isSameFile } from '#programs/held-folder.ts'

const NAMES_IN_STEP = 500
const ALL_BITS = 0o7777
const OWNER_WRITES = 0o200

interface Places {
  /** The new tree, in a folder that nobody else can enter. */
  tree: HeldFolder
  /** The folder that the files come into. Others may change it meanwhile. */
  into: HeldFolder
  /** Takes a second link to each replaced file, until all is in place. */
  aside: HeldFolder
}

/** What takes one step back; false if it could not. */
type StepBack = () => boolean

/**
 * Moves a tree into a folder that exists. A folder that is not there comes whole, by one rename. Into one
 * that is there, the files are moved one by one: at each moment a path has its whole old file or its whole
 * new one. Every folder is entered by handle and never through a link. After a failure all steps are taken
 * back.
 * @param options.chosen whether a folder's own mode, owner and time are restored too, where it exists
 */
export async function moveIn(
  places: Places,
  options: { overwrite: boolean; chosen: (path: string) => boolean },
): Promise<MovedIn & { replaced: number }> {
  const move = new Move(places, options)
  try {
    await move.merge(places.tree, places.into, [])
    return { replaced: move.replaced }
  } catch (error) {
    return { failure: { error }, notPutBack: move.takeBack(), replaced: move.replaced }
  }
}

class Move {
  readonly #places: Places
  readonly #options: { overwrite: boolean; chosen: (path: string) => boolean }
  readonly #steps: { path: string; back: StepBack }[] = []
  #asides = 0
  replaced = 0

  constructor(places: Places, options: { overwrite: boolean; chosen: (path: string) => boolean }) {
    this.#places = places
    this.#options = options
  }

  async merge(from: HeldFolder, to: HeldFolder, above: readonly Buffer[]): Promise<void> {
    for (const [index, name] of from.names().entries()) {
      if (index % NAMES_IN_STEP === NAMES_IN_STEP - 1) await setImmediate()
      const path = [...above, name]
      const source = from.insideBytes(name)
      const facts = lstatSync(source, { bigint: true })
      const there = lstatSync(to.insideBytes(name), { bigint: true, throwIfNoEntry: false })
      if (facts.isDirectory() && there?.isDirectory()) await this.#mergeFolder(from, to, path)
      else if (there === undefined) this.#add(source, to, { path, facts })
      else this.#replace(source, to, { path, facts, there })
    }
    fsyncSync(to.fd)
  }

  async #mergeFolder(from: HeldFolder, to: HeldFolder, path: readonly Buffer[]): Promise<void> {
    const name = path.at(-1) as Buffer
    const source = from.insideBytes(name)
    const facts = lstatSync(source, { bigint: true })
    if ((Number(facts.mode) & OWNER_WRITES) === 0) chmodSync(source, Number(facts.mode) | OWNER_WRITES)
    using inner = new HeldFolder(source)
    using target = this.#enter(to, path)
    await this.merge(inner, target, path)
    if (this.#options.overwrite && this.#options.chosen(pathText(path)))
      this.#setAttributes(target, path, facts)
  }

  #enter(folder: HeldFolder, path: readonly Buffer[]): HeldFolder {
    try {
      return new HeldFolder(folder.insideBytes(path.at(-1) as Buffer))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENOENT' ? changed(path) : error
    }
  }

  /** Where nothing is. A file by a link, which replaces nothing that appears meanwhile. */
  #add(source: Buffer, to: HeldFolder, of: { path: readonly Buffer[]; facts: BigIntStats }): void {
    const { path, facts } = of
    const place = to.insideBytes(path.at(-1) as Buffer)
    const back: StepBack = () =>
      this.#inFolder(path, folder => {
        const current = folder.insideBytes(path.at(-1) as Buffer)
        if (isSameFile(lstatSync(current, { bigint: true, throwIfNoEntry: false }), facts))
          renameSync(current, this.#nextAside())
      })
    this.#steps.push({ path: shownPath(path), back })
    if (facts.isDirectory()) {
      moveFolder(source, place, Number(facts.mode))
      return
    }
    try {
      linkSync(source, place)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw changed(path)
      // A file system without hard links.
      renameSync(source, place)
      return
    }
    unlinkSync(source)
  }

  /** Keeps a second link to the old file, then replaces it by one rename. */
  #replace(
    source: Buffer,
    to: HeldFolder,
    of: { path: readonly Buffer[]; facts: BigIntStats; there: BigIntStats },
  ): void {
    const { path, facts, there } = of
    if (!this.#options.overwrite || facts.isDirectory() || there.isDirectory()) throw changed(path)
    const place = to.insideBytes(path.at(-1) as Buffer)
    const aside = this.#nextAside()
    try {
      linkSync(place, aside)
      this.#steps.push({
        path: shownPath(path),
        back: () =>
          this.#inFolder(path, folder => renameSync(aside, folder.insideBytes(path.at(-1) as Buffer))),
      })
    } catch {
      // Not everybody may link to another user's file, and not every file system has hard links. Then this
      // file stays replaced if a later one fails.
    }
    renameSync(source, place)
    this.replaced += 1
  }

  #setAttributes(folder: HeldFolder, path: readonly Buffer[], facts: BigIntStats): void {
    const before = fstatSync(folder.fd, { bigint: true })
    try {
      setFacts(folder.fd, facts)
    } catch (error) {
      // The folder is another user's: it stays as it is, and the files in it are restored.
      if ((error as NodeJS.ErrnoException).code === 'EPERM') return
      throw error
    }
    const back: StepBack = () => this.#inFolder([...path, Buffer.from('.')], own => setFacts(own.fd, before))
    this.#steps.push({ path: shownPath(path), back })
  }

  /** Takes all steps back, the last one first. Returns what could not be. */
  takeBack(): string[] {
    const left: string[] = []
    for (const { path, back } of this.#steps.toReversed()) if (!back()) left.push(path)
    this.#steps.length = 0
    return left
  }

  #nextAside(): Buffer {
    return this.#places.aside.insideBytes(Buffer.from(String(this.#asides++)))
  }

  /** Enters the folder of a path again, name by name. */
  #inFolder(path: readonly Buffer[], work: (folder: HeldFolder) => void): boolean {
    const held: HeldFolder[] = []
    try {
      let folder = this.#places.into
      for (const name of path.slice(0, -1)) {
        folder = new HeldFolder(folder.insideBytes(name))
        held.push(folder)
      }
      work(folder)
      return true
    } catch {
      return false
    } finally {
      for (const folder of held) folder.close()
    }
  }
}

/** A folder can be moved only by whom may write in it. */
function moveFolder(source: Buffer, place: Buffer, mode: number): void {
  const mayMove = (mode & OWNER_WRITES) !== 0
  if (!mayMove) chmodSync(source, mode | OWNER_WRITES)
  renameSync(source, place)
  if (!mayMove) {
    using moved = new HeldFolder(place)
    fchmodSync(moved.fd, mode & ALL_BITS)
  }
}

function setFacts(fd: number, { mode, uid, gid, atimeMs, mtimeMs }: BigIntStats): void {
  // A new owner takes special bits away, so the mode comes second.
  if (process.geteuid?.() === 0) fchownSync(fd, Number(uid), Number(gid))
  fchmodSync(fd, Number(mode) & ALL_BITS)
  futimesSync(fd, Number(atimeMs) / 1000, Number(mtimeMs) / 1000)
}

function changed(path: readonly Buffer[]): BackupError {
  return new BackupError(`Somebody changed ${shownPath(path)} in the target during the restore`, {
    code: 'SWAP',
    hint: 'All files are as before. Try again when no other program writes there.',
  })
}

function pathText(path: readonly Buffer[]): string {
  return memberPathOf(Buffer.concat(path.flatMap((name, at) => (at === 0 ? [name] : [SLASH, name]))))
}

const SLASH = Buffer.from('/')

function shownPath(path: readonly Buffer[]): string {
  return shownName(pathText(path))
}
