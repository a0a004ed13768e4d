import { mkdir, open, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import {
  clearLeftovers,
  exists,
  idOf,
  markAsOurs,
  OLD,
  partialName,
  removePartial,
  removePartialNow,
  TREE,
} from '#directory/unpack/leftovers.ts'
import { removeNames } from '#directory/unpack/remove-tree.ts'
import { type TargetFolder, unusable } from '#directory/unpack/target-folder.ts'
import { HeldFolder, isSameFile } from '#programs/held-folder.ts'

/**
 * A folder next to the target, for its owner's eyes only, that takes the target's place when it is whole. Others may
 * write where the target lies: all is done through handles of that place and of this folder, never by a path.
 */
export class StagingFolder {
  /** Where the contents go; for this process alone, and until the swap. */
  readonly tree: string
  readonly #target: TargetFolder
  readonly #parent: HeldFolder
  readonly #folder: HeldFolder
  readonly #name: string
  readonly #removeAtExit: () => void
  /** Whether what was at the target lies in here now, and nowhere else. */
  #holdsOld = false

  private constructor(of: { target: TargetFolder; parent: HeldFolder; folder: HeldFolder; name: string }) {
    this.#target = of.target
    this.#parent = of.parent
    this.#folder = of.folder
    this.#name = of.name
    this.tree = of.folder.inside(TREE)
    // Also when the process is told to end at once.
    this.#removeAtExit = () => removePartialNow(of.parent, of.name, of.folder)
    process.once('exit', this.#removeAtExit)
  }

  /** Makes it, and clears away what killed restores left. Throws `USAGE` where nothing can be written. */
  static async create(target: TargetFolder): Promise<StagingFolder> {
    const parent = holdParent(target)
    try {
      if (await clearLeftovers(parent, target.path)) {
        throw unusable(
          `${target.path} was put back where a restore that was killed had taken it from`,
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
   * Gives it the target's name; what was there before goes. When it cannot, the target is as it was; should even that
   * fail, the error says where it lies, and there it stays. Returns the path of what could not be deleted afterwards.
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
      // In here, nobody can exchange it any more.
      const found = await idOf(this.#holdsOld ? old : place)
      if (found !== undefined && !isSameFile(found, id)) throw takenMeanwhile(path)
      // Over an empty directory, this is one step; so it is where nothing is.
      await rename(this.tree, place)
    } catch (error) {
      if (this.#holdsOld) await this.#putBack(error)
      throw error
    }
    this.#holdsOld = false
    try {
      await syncFolder(this.#parent.inside())
      await removePartial(this.#parent, this.#name, this.#folder)
      return {}
    } catch {
      // The restore is done; what is left of the old directory is no reason to call it failed.
      return { leftBehind: join(dirname(path), this.#name) }
    } finally {
      this.#close()
    }
  }

  /** Removes it, as far as that is possible; the target stays as it was. Why it is discarded counts more: never throws. */
  async discard(): Promise<void> {
    process.off('exit', this.#removeAtExit)
    try {
      if (this.#holdsOld) await removeNames(this.#folder, [Buffer.from(TREE)])
      else await removePartial(this.#parent, this.#name, this.#folder)
    } catch {
      // The next restore clears it away.
    } finally {
      this.#close()
    }
  }

  async #putBack(reason: unknown): Promise<void> {
    const { path } = this.#target
    const place = this.#parent.inside(basename(path))
    try {
      // A file would give way to another without a word.
      if (await exists(place)) throw takenMeanwhile(path)
      await rename(this.#folder.inside(OLD), place)
      this.#holdsOld = false
    } catch {
      throw new BackupError(
        `Something else took the place of ${path} during the swap; what was there before lies in ${join(dirname(path), this.#name, OLD)}`,
        { code: 'SWAP', hint: 'Stop what writes there, and move it back.', cause: reason },
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

/** Where others may write, the name may be another folder's at once: one that is not ours, or holds something, is not used. */
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
  return new BackupError(`Somebody exchanged ${path} for something else during the restore`, {
    code: 'SWAP',
    hint: 'Nothing of it was touched. Restore where no other user may write.',
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
