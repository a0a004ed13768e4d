import { createHash } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import {
  type BrowserFacts,
  type Database,
  findPasskey,
  getSession,
  type KnownPasskey,
  keepChallenge,
  listPasskeys,
  type NewSession,
  noteRefusedSignIn,
  type Passkey,
  addPasskey as recordPasskey,
  removePasskey as recordRemoval,
  renewFactorByPasskey,
  type SignedIn,
  signInByPasskey,
  useChallenge,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { type Caller, ownSession } from '#access/caller.ts'

/** Where the page is in the browser, as far as the request tells: passkeys work there alone. */
export interface PasskeySite {
  /** The host name, `backup.example`. */
  rpId: string
  /** `https://backup.example:8443`. */
  origin: string
}

/** What a browser answers, as @simplewebauthn/browser sends it. */
export type PasskeyAnswer = AuthenticationResponseJSON
export type NewPasskeyAnswer = RegistrationResponseJSON

/** Both are slow to load, and few requests need them. */
const library = () => import('@simplewebauthn/server')

/** What the page shows beside a passkey in the browser. */
const RP_NAME = 'telegram-backup'

/**
 * What a browser needs to prove by a passkey who somebody is, to sign in or once more. Can be answered once,
 * within five minutes. Throws `BUSY`.
 */
export async function askForPasskey(
  database: Database,
  { rpId }: PasskeySite,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await library()
  const options = await generateAuthenticationOptions({ rpID: rpId, userVerification: 'required' })
  await keepChallenge(database, { challenge: options.challenge, kind: 'passkey.use' })
  return options
}

/**
 * Signs somebody in by a passkey. Throws `UNAUTHENTICATED`.
 * @param refused whether a refusal gets its line in the audit
 */
export async function signInWithPasskey(
  database: Database,
  { answer, site }: { answer: PasskeyAnswer; site: PasskeySite },
  { refused, ...browser }: BrowserFacts & { refused: () => Promise<boolean> },
): Promise<NewSession> {
  const proven = await provenUse(database, answer, site)
  const session = proven && (await signInByPasskey(database, proven, browser))
  if (session) return session
  if (await refused())
    await noteRefusedSignIn(database, { person: undefined, address: browser.address ?? 'unknown' })
  throw new BackupError('This passkey was not accepted', {
    code: 'UNAUTHENTICATED',
    hint: 'Try again, and answer within five minutes. A passkey that was removed here cannot be used any longer.',
  })
}

/**
 * Notes that the person of a session has proved by a passkey who they are, and returns the session as it is
 * then. Throws `FORBIDDEN` for a passkey that is not accepted, or is another person’s.
 */
export async function renewFactorWithPasskey(
  database: Database,
  caller: Caller,
  { answer, site }: { answer: PasskeyAnswer; site: PasskeySite },
): Promise<SignedIn> {
  const { id } = ownSession(caller)
  const proven = await provenUse(database, answer, site)
  const isRenewed = proven?.personId === caller.id && (await renewFactorByPasskey(database, id, proven))
  const after = isRenewed ? await getSession(database, id) : null
  if (after !== null) return after
  throw new BackupError('This passkey was not accepted', {
    code: 'FORBIDDEN',
    hint: 'Use one of your own, within five minutes.',
  })
}

/** The passkey with which an answer was signed; null for one that is not right in every way. */
async function provenUse(
  database: Database,
  answer: PasskeyAnswer,
  { rpId, origin }: PasskeySite,
): Promise<KnownPasskey | null> {
  const known = await findPasskey(database, answer.id)
  if (known === null) return null
  const { verifyAuthenticationResponse } = await library()
  const { credentialId: id, publicKey, counter } = known
  const verified = await verifyAuthenticationResponse({
    response: answer,
    expectedChallenge: async challenge =>
      (await useChallenge(database, { challenge, kind: 'passkey.use' })) !== null,
    expectedOrigin: origin,
    expectedRPID: rpId,
    credential: { id, publicKey, counter },
    requireUserVerification: true,
  }).catch(unlessOurs)
  if (verified?.verified !== true) return null
  return { ...known, counter: verified.authenticationInfo.newCounter }
}

/** What the library refuses is refused; an outage of the catalog is none of the passkey’s. */
function unlessOurs(error: unknown): undefined {
  if (error instanceof BackupError) throw error
  return undefined
}

/** What a browser needs to make a passkey for the caller. Can be answered once, within five minutes. */
export async function askForNewPasskey(
  database: Database,
  caller: Caller,
  { rpId }: PasskeySite,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  ownSession(caller)
  const { generateRegistrationOptions } = await library()
  const known = await listPasskeys(database, caller.id)
  const options = await generateRegistrationOptions({
    rpName: RP_NAME,
    rpID: rpId,
    userName: caller.name,
    // The same for all passkeys of a person, and no name: an authenticator shows it to nobody.
    userID: new Uint8Array(createHash('sha256').update(caller.id).digest()),
    attestationType: 'none',
    excludeCredentials: known.filter(({ rp_id }) => rp_id === rpId).map(({ credential_id: id }) => ({ id })),
    // Discoverable: who signs in need not say a name first.
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  })
  await keepChallenge(database, {
    ...{ challenge: options.challenge, kind: 'passkey.add', personId: caller.id },
  })
  return options
}

/** Records a new passkey of the caller. Throws `INVALID` for an answer that is not right, `CONFLICT`. */
export async function addPasskey(
  database: Database,
  caller: Caller,
  { answer, name, site }: { answer: NewPasskeyAnswer; name: string; site: PasskeySite },
): Promise<Passkey> {
  const { verifyRegistrationResponse } = await library()
  const verified = await verifyRegistrationResponse({
    response: answer,
    expectedChallenge: async challenge =>
      (await useChallenge(database, { challenge, kind: 'passkey.add', personId: caller.id })) !== null,
    expectedOrigin: site.origin,
    expectedRPID: site.rpId,
    requireUserVerification: true,
  }).catch(unlessOurs)
  if (verified?.verified !== true) {
    throw new BackupError('The new passkey was not accepted', {
      code: 'INVALID',
      hint: 'Try again, and answer within five minutes.',
    })
  }
  const { id, publicKey, counter } = verified.registrationInfo.credential
  return await recordPasskey(database, {
    ...{ personId: caller.id, name, credentialId: id, publicKey, counter, rpId: site.rpId },
    transports: answer.response.transports ?? [],
  })
}

/** The passkeys of the caller, oldest first. */
export async function ownPasskeys(database: Database, caller: Caller): Promise<Passkey[]> {
  ownSession(caller)
  const all = await listPasskeys(database, caller.id)
  return all.map(({ credential_id: _, ...shown }) => shown)
}

/** Removes a passkey of the caller. Throws `NOT_FOUND`, and `CONFLICT` for the last way to sign in. */
export async function removePasskey(database: Database, caller: Caller, id: string): Promise<void> {
  ownSession(caller)
  if (await recordRemoval(database, caller.id, id)) return
  throw new BackupError('There is no such passkey', {
    code: 'NOT_FOUND',
    hint: 'Passkeys of other people are not found.',
  })
}
