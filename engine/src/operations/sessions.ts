import {
  type BrowserFacts,
  type Database,
  type GoodLink,
  getSession,
  goodLink,
  type NewSession,
  noteRefusedSignIn,
  passwordOf,
  renewFactor as recordFactor,
  setPassword as recordPassword,
  type SignedIn,
  signInByLink,
  signInByPassword,
} from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { type Caller, ownSession } from '#access/caller.ts'
import { assertGoodPassword, hashPassword, isPassword } from '#access/passwords.ts'

/** What somebody signs in with. */
export type Credentials = { name: string; password: string } | { link: string; password?: string | undefined }

/**
 * Signs somebody in. With a link, a password is set for the next time. Throws `UNAUTHENTICATED`, after the
 * same time for a wrong password and for an unknown name, and `INVALID` for a password that cannot be set:
 * then the link can still be used.
 * @param refused whether a refusal gets its line in the audit
 */
export async function signIn(
  database: Database,
  credentials: Credentials,
  { refused, ...browser }: BrowserFacts & { refused: () => Promise<boolean> },
): Promise<NewSession> {
  if ('link' in credentials) return await byLink(database, credentials, browser)
  const { name, password } = credentials
  const found = await passwordOf(database, { name })
  const isRight = await isPassword(found?.password_hash ?? null, password)
  if (isRight && found !== undefined && found.password_hash !== null) {
    const { id, password_hash: passwordHash } = found
    const session = await signInByPassword(database, { id, passwordHash }, browser)
    if (session !== null) return session
  }
  if (await refused())
    await noteRefusedSignIn(database, { person: found, address: browser.address ?? 'unknown' })
  throw new BackupError('The name or the password is wrong', {
    code: 'UNAUTHENTICATED',
    hint: hint`Try again. If the password is lost, ${run('user link', 'NAME')} on the machine of the service prints a new link.`,
  })
}

async function byLink(
  database: Database,
  { link, password }: { link: string; password?: string | undefined },
  browser: BrowserFacts,
): Promise<NewSession> {
  if (password !== undefined) assertGoodPassword(password)
  // A guess costs no hash.
  const isGood = password === undefined || (await goodLink(database, link)) !== null
  const passwordHash = password === undefined || !isGood ? undefined : await hashPassword(password)
  const session = isGood ? await signInByLink(database, link, { ...browser, passwordHash }) : null
  if (session !== null) return session
  throw uselessLink()
}

/**
 * Whom a link signs in, and until when; it stays as it is. Nobody learns more by it than by signing in.
 * Throws `UNAUTHENTICATED` as {@link signIn}.
 */
export async function describeLink(database: Database, link: string): Promise<GoodLink> {
  const good = await goodLink(database, link)
  if (good === null) throw uselessLink()
  return good
}

function uselessLink(): BackupError {
  return new BackupError(
    'This link cannot be used: it was used before, is older than 15 minutes, or was replaced',
    {
      code: 'UNAUTHENTICATED',
      hint: hint`${run('user link', 'NAME')} on the machine of the service prints a new one.`,
    },
  )
}

/**
 * Notes that the person of a session has given the password again, and returns the session as it is then.
 * Throws `UNAUTHENTICATED` for a session that has ended, `FORBIDDEN` for a wrong password, `CONFLICT` without
 * one.
 */
export async function renewFactor(database: Database, caller: Caller, password: string): Promise<SignedIn> {
  const { id } = ownSession(caller)
  const found = await passwordOf(database, { id: caller.id })
  if (found?.password_hash === null) {
    throw new BackupError('No password is set', {
      code: 'CONFLICT',
      hint: hint`${run('user link', 'NAME')} on the machine of the service prints a link to sign in with, where one can be set.`,
    })
  }
  if (!(await isPassword(found?.password_hash ?? null, password)))
    throw new BackupError('The password is wrong', { code: 'FORBIDDEN', hint: 'Try again.' })
  await recordFactor(database, id, 'password')
  return await asNow(database, id)
}

/**
 * Sets the password of a person, whose other sessions end. Returns the session as it is then. Throws
 * `INVALID`, `UNAUTHENTICATED`.
 */
export async function setPassword(database: Database, caller: Caller, password: string): Promise<SignedIn> {
  const { id } = ownSession(caller)
  assertGoodPassword(password)
  await recordPassword(database, caller.id, { passwordHash: await hashPassword(password), but: id })
  return await asNow(database, id)
}

async function asNow(database: Database, sessionId: string): Promise<SignedIn> {
  const signedIn = await getSession(database, sessionId)
  if (signedIn !== null) return signedIn
  throw new BackupError('Your session has ended', { code: 'UNAUTHENTICATED', hint: 'Sign in again.' })
}
