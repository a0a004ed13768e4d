import { realpath, rename, stat } from 'node:fs/promises'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { replaceFileWith, syncFolderOf } from '#durable-files.ts'
import { newKeyText, parseKeyFile, readKeyFile, type SigningKey } from '#signing.ts'
import { keysBefore, MAX_SUCCESSIONS, signSuccession } from '#succession.ts'

/** A change of the signing key that has been prepared: the old key still counts. */
export interface SigningRotation {
  readonly current: SigningKey
  readonly next: SigningKey
  /** Whether an earlier run had prepared it, and was interrupted. */
  readonly isContinued: boolean
  /** Puts the next key in the place of the current one, at once or not at all. */
  complete(): Promise<void>
}

/**
 * Prepares the next signing key beside the current one, in `PATH.next`, with the same owner and mode. A run
 * after a crash continues with that key: two successors of one key would make each of them doubtful.
 * @param options.isChained whether the current key names the next one, so that who trusts it trusts that one
 * @throws ArchiveError `CONFIGURATION` when there is no key yet, or the file or its folder cannot be changed
 */
export async function prepareSigningRotation(
  path: string,
  options: { isChained: boolean; now: Date },
): Promise<SigningRotation> {
  let place: string
  try {
    place = await realpath(path)
    const { isFile } = await stat(place).then(facts => ({ isFile: facts.isFile() }))
    if (!isFile) throw new TypeError('not a file')
  } catch (cause) {
    throw new ArchiveError(`There is no signing key in ${path} to change`, {
      code: 'CONFIGURATION',
      cause,
      hint: 'The first backup makes one. A key that comes from a pipe is changed where it is stored.',
    })
  }
  const current = parseKeyFile(await readKeyFile(place), place)
  const prepared = `${place}.next`
  const found = await readPrepared(prepared)
  const isContinued = found !== undefined && follows(found, current, options.isChained)
  const next = isContinued ? found : await prepare(prepared, place, { ...options, current })
  return { current, next, isContinued, complete: () => replace(prepared, place) }
}

async function readPrepared(path: string): Promise<SigningKey | undefined> {
  try {
    return parseKeyFile(await readKeyFile(path), path)
  } catch {
    // There is none, or a crash left half of one, which nothing has used yet.
    return undefined
  }
}

function follows(next: SigningKey, current: SigningKey, isChained: boolean): boolean {
  const lines = next.successions ?? []
  if (!isChained) return lines.length === 0 && !Buffer.from(next.publicKey).equals(current.publicKey)
  const [last] = lines.slice(-1)
  const own = Buffer.from(current.publicKey).toString('base64')
  return last?.split(' ')[1] === own && keysBefore(next.publicKey, lines).length > 0
}

async function prepare(
  path: string,
  like: string,
  { current, isChained, now }: { current: SigningKey; isChained: boolean; now: Date },
): Promise<SigningKey> {
  const pem = newKeyText()
  const key = parseKeyFile(pem, path)
  const lines = isChained ? [...(current.successions ?? []), signSuccession(current, key, now)] : []
  // The oldest statement goes first: a card that is so old proves nothing any more.
  const text = [pem, ...lines.slice(-MAX_SUCCESSIONS).map(line => `${line}\n`)].join('')
  try {
    await replaceFileWith(path, text, await stat(like))
  } catch (error) {
    throw toArchiveError(error, 'CONFIGURATION', `The next signing key cannot be written beside ${like}`)
  }
  return parseKeyFile(text, path)
}

async function replace(prepared: string, place: string): Promise<void> {
  try {
    await rename(prepared, place)
    await syncFolderOf(place)
  } catch (error) {
    throw toArchiveError(error, 'CONFIGURATION', `The signing key ${place} cannot be replaced`)
  }
}
