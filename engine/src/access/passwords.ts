import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { BackupError } from '@telegram-backup/errors'

const derive = promisify(argon2)

/** OWASP’s first recommendation for argon2id; `memory` is in KiB. */
const PARAMETERS = { memory: 47_104, passes: 1, parallelism: 1 } as const
const TAG_BYTES = 32
const SALT_BYTES = 16

const FEWEST_CHARACTERS = 12
const MOST_BYTES = 1_000

/** Throws `INVALID` for a password that is too short, too long, or no text. */
export function assertGoodPassword(password: string): void {
  const words =
    [...password].length < FEWEST_CHARACTERS
      ? `has fewer than ${FEWEST_CHARACTERS} characters`
      : Buffer.byteLength(password) > MOST_BYTES
        ? `has more than ${MOST_BYTES} bytes`
        : password.isWellFormed()
          ? undefined
          : 'is not valid Unicode'
  if (words === undefined) return
  throw new BackupError(`The password ${words}`, {
    code: 'INVALID',
    hint: 'Four words that do not belong together make a good one.',
  })
}

/** The argon2id hash with its parameters (PHC form). Takes 46 MiB of memory, and about 0.1 s. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const { memory, passes, parallelism } = PARAMETERS
  const tag = await derive('argon2id', {
    ...{ message: bytesOf(password), nonce: salt },
    ...{ memory, passes, parallelism, tagLength: TAG_BYTES },
  })
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

/** A hash that no password has: whoever compares with it takes as long as with another. */
const NOBODYS = `$argon2id$v=19$m=${PARAMETERS.memory},t=${PARAMETERS.passes},p=${PARAMETERS.parallelism}$${unpadded(Buffer.alloc(SALT_BYTES))}$${unpadded(Buffer.alloc(TAG_BYTES))}`

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** Whether the hash is of this password. Takes the same time for nobody’s (null). */
export async function isPassword(hash: string | null, password: string): Promise<boolean> {
  const [, memory = '', passes = '', parallelism = '', salt = '', tag = ''] = PHC.exec(hash ?? NOBODYS) ?? []
  const expected = Buffer.from(tag, 'base64')
  // A hash that somebody has spoilt is no reason to tell this person from others.
  if (expected.length === 0 || Buffer.byteLength(password) > MOST_BYTES) return false
  const given = await derive('argon2id', {
    ...{ message: bytesOf(password), nonce: Buffer.from(salt, 'base64') },
    ...{ memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    tagLength: expected.length,
  })
  return timingSafeEqual(given, expected) && hash !== null
}

/** Keyboards write the same letter in several ways. */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'))
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
