import { mkdir, open, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import {
  clearLeftovers,
  exists,
  idOf,
  leaveToPerson,
  markAsOurs,
  OLD,
  partialName,
  REPLACED,
  removePartial,
  removePartialNow,
  TREE,
} from '#directory/unpack/leftovers.ts'
import { type TargetFolder, unusable } from '#directory/unpack/target-folder.ts'
import { HeldFolder, isSameFile } from '#programs/held-folder.ts'

/** How a move went: without a failure, all is in its place. */
export interface MovedIn {
  failure?: { error: unknown }
  /** Paths of old files that are still aside, shown. */
  notPutBack?: string[]
}

/**
 * A private folder next to the target that takes the target's place when it is whole. Others may write next
 * to the target: all is done through handles of its parent and of this folder, never by a path.
 */
export class StagingFolder {
  /** Where the contents go; a path for this process alone, until the swap. */
  readonly tree: string
  readonly #target: TargetFolder
  readonly #parent: HeldFolder
  readonly #folder: HeldFolder
  readonly #name: string
  readonly #removeAtExit: () => void
  /** Whether the old target lies only in here now. */
  #holdsOld = false

  private constructor(of: { target: TargetFolder; parent: HeldFolder; folder: HeldFolder; name: string }) {
    this.#target = of.target
    this.#parent = of.parent
    this.#folder = of.folder
    this.#name = of.name
    this.tree = of.folder.inside(TREE)
    this.#removeAtExit = () => removePartialNow(of.parent, of.name, of.folder)
    process.once('exit', this.#removeAtExit)
  }

  /** Makes it, and removes what killed restores left. Throws `USAGE` where nothing can be written. */
  static async create(target: TargetFolder): Promise<StagingFolder> {
    const parent = holdParent(target)
    try {
      if (await clearLeftovers(parent, target.path)) {
        throw unusable(
          `${target.path} was moved back to its place, because a restore was killed`,
          'Try again.',
        )
      }
      const name = partialName(target.path)
      const folder = await makeFolder(parent, name)
      const staging = new StagingFolder({ target, parent, folder, name })
      try {
        await markAsOurs(folder)
        await mkdir(staging.tree)
        return staging
      } catch (error) {
        await staging.discard()
        throw error
      }
    } catch (error) {
      parent.close()
      throw error
    }
  }

  /**
   * Gives it the target's name, and removes the old target. On failure, the target is as before; if even that
   * fails, the error says where it lies. Returns the path of what could not be deleted afterwards.
   */
  async swapIn(): Promise<{ leftBehind?: string }> {
    const { state, path, id } = this.#target
    const place = this.#parent.inside(basename(path))
    const old = this.#folder.inside(OLD)
    process.off('exit', this.#removeAtExit)
    if (state === 'full') {
      await rename(place, old)
      this.#holdsOld = true
    }
    try {
      // In here, nobody else can exchange it.
      const found = await idOf(this.#holdsOld ? old : place)
      if (found !== undefined && !isSameFile(found, id)) throw takenMeanwhile(path)
      // Over nothing or an empty directory, this is one step.
      await rename(this.tree, place)
    } catch (error) {
      if (this.#holdsOld) await this.#putBack(error)
      throw error
    }
    this.#holdsOld = false
    return await this.#leave()
  }

  /**
   * Lets `move` put the files of the tree into the folder that this one lies in, and keep the old ones aside.
   * If it says that some could not be put back, they stay for a person. Returns as {@link swapIn}.
   */
  async moveIn(
    move: (of: { tree: HeldFolder; into: HeldFolder; aside: HeldFolder }) => Promise<MovedIn>,
  ): Promise<{ leftBehind?: string }> {
    await mkdir(this.#folder.inside(REPLACED))
    using tree = new HeldFolder(this.tree)
    using aside = new HeldFolder(this.#folder.inside(REPLACED))
    const { failure, notPutBack = [] } = await move({ tree, into: this.#parent, aside })
    if (failure === undefined) {
      process.off('exit', this.#removeAtExit)
      return await this.#leave()
    }
    if (notPutBack.length === 0) throw failure.error
    this.#holdsOld = true
    throw new BackupError(
      `The restore failed, and ${notPutBack.length} of the files that it had replaced could not be put back; these are in ${join(this.#parent.path, this.#name, REPLACED)}`,
      { code: 'SWAP', hint: `The first is ${notPutBack[0]}. Move them back.`, cause: failure.error },
    )
  }

  /** Removes it after the restore is done. Leftovers do not make that a failure. */
  async #leave(): Promise<{ leftBehind?: string }> {
    try {
      await syncFolder(this.#parent.inside())
      await removePartial(this.#parent, this.#name, this.#folder)
      return {}
    } catch {
      return { leftBehind: join(this.#parent.path, this.#name) }
    } finally {
      this.#close()
    }
  }

  /** Removes it as far as possible. Never throws: the reason for discarding counts more. */
  async discard(): Promise<void> {
    process.off('exit', this.#removeAtExit)
    try {
      if (this.#holdsOld) await leaveToPerson(this.#folder)
      else await removePartial(this.#parent, this.#name, this.#folder)
    } catch {
      // The next restore removes it.
    } finally {
      this.#close()
    }
  }

  async #putBack(reason: unknown): Promise<void> {
    const { path } = this.#target
    const place = this.#parent.inside(basename(path))
    try {
      // rename() would replace a file silently.
      if (await exists(place)) throw takenMeanwhile(path)
      await rename(this.#folder.inside(OLD), place)
      this.#holdsOld = false
    } catch {
      throw new BackupError(
        `Another program replaced ${path} during the swap; the previous contents are in ${join(dirname(path), this.#name, OLD)}`,
        {
          code: 'SWAP',
          hint: 'Stop the program that writes there, and move the previous contents back.',
          cause: reason,
        },
      )
    }
  }

  #close(): void {
    this.#folder.close()
    this.#parent.close()
  }
}

function holdParent({ path, parentId }: TargetFolder): HeldFolder {
  const parent = dirname(path)
  let held: HeldFolder
  try {
    held = new HeldFolder(parent)
  } catch (error) {
    throw cannotWrite(parent, error)
  }
  if (isSameFile(held.id, parentId) && held.isAt(Buffer.from(parent))) return held
  held.close()
  throw takenMeanwhile(parent)
}

/** Others may exchange the new folder at once: one that is not ours, or not empty, is not used. */
async function makeFolder(parent: HeldFolder, name: string): Promise<HeldFolder> {
  let folder: HeldFolder
  try {
    await mkdir(parent.inside(name), { mode: 0o700 })
    folder = new HeldFolder(parent.inside(name), join(parent.path, name))
  } catch (error) {
    throw cannotWrite(parent.path, error)
  }
  if (folder.isPrivate && folder.names().length === 0) return folder
  folder.close()
  throw takenMeanwhile(join(parent.path, name))
}

function cannotWrite(folder: string, error: unknown): BackupError {
  return unusable(`Nothing can be written in ${folder} (${(error as NodeJS.ErrnoException).code})`)
}

function takenMeanwhile(path: string): BackupError {
  return new BackupError(`Somebody replaced ${path} during the restore`, {
    code: 'SWAP',
    hint: 'The replacement was not changed. Restore into a folder where no other user may write.',
  })
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
