import { addPasskey, askForNewPasskey, askForPasskey } from '#api/generated/sdk.gen.ts'
import type { Passkey, SignInData } from '#api/generated/types.gen.ts'

// What speaks with the browser about passkeys is fetched with the first of them.
const library = () => import('@simplewebauthn/browser')

/** Why this page offers no passkeys; undefined if it does. */
export function whyNoPasskeys(): 'address' | 'clear' | undefined {
  if (!window.isSecureContext || window.PublicKeyCredential === undefined) return 'clear'
  return /^[\d.]+$|^\[/.test(window.location.hostname) ? 'address' : undefined
}

/** What the browser answers, as the server takes it. */
type PasskeyAnswer = Extract<SignInData['body'], { passkey: unknown }>['passkey']

/** The person gave no passkey; `known`: the device has one already. */
export class NoPasskey extends Error {
  override readonly name = 'NoPasskey'
  readonly isKnown: boolean

  constructor(isKnown: boolean) {
    super(isKnown ? 'known' : 'refused')
    this.isKnown = isKnown
  }
}

/** Asks the person for a passkey of theirs. Throws `NoPasskey`, `ApiProblem`. */
export async function provePasskey(): Promise<PasskeyAnswer> {
  const [{ startAuthentication }, { data }] = await Promise.all([library(), askForPasskey()])
  const optionsJSON = data as unknown as Parameters<typeof startAuthentication>[0]['optionsJSON']
  return (await startAuthentication({ optionsJSON }).catch(refuse)) as unknown as PasskeyAnswer
}

/** Lets the browser make a passkey for who is signed in. Throws `NoPasskey`, `ApiProblem`. */
export async function makePasskey(name: string): Promise<Passkey> {
  const [{ startRegistration }, { data }] = await Promise.all([library(), askForNewPasskey()])
  const optionsJSON = data as unknown as Parameters<typeof startRegistration>[0]['optionsJSON']
  const passkey = (await startRegistration({ optionsJSON }).catch(refuse)) as unknown as Parameters<
    typeof addPasskey
  >[0]['body']['passkey']
  return (await addPasskey({ body: { name, passkey } })).data
}

/** Browsers do not tell why: a person who cancels is nobody’s business. */
function refuse(error: unknown): never {
  throw new NoPasskey(error instanceof Error && error.name === 'InvalidStateError')
}
