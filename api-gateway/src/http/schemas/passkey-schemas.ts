import type { NewPasskeyAnswer, PasskeyAnswer } from '@telegram-backup/engine/operations/passkeys.ts'
import { z } from 'zod'
import { TIME, TIME_OR_NULL, UUID } from '#http/schemas/terms.ts'

// Passkeys, as browsers speak of them: https://www.w3.org/TR/webauthn-3/.

const BASE64URL = z.string().max(20_000)
const ID = z.string().min(1).max(1_400)

const CREDENTIAL_FIELDS = {
  id: ID,
  rawId: ID,
  type: z.literal('public-key'),
  authenticatorAttachment: z.string().max(40).nullish(),
  clientExtensionResults: z.looseObject({}),
}

export const PASSKEY_ANSWER: z.ZodType<PasskeyAnswer> = z.strictObject({
  ...CREDENTIAL_FIELDS,
  response: z.looseObject({
    ...{ clientDataJSON: BASE64URL, authenticatorData: BASE64URL, signature: BASE64URL },
    userHandle: BASE64URL.nullish(),
  }),
}) as unknown as z.ZodType<PasskeyAnswer>

const NEW_PASSKEY_ANSWER = z.strictObject({
  ...CREDENTIAL_FIELDS,
  response: z.looseObject({
    ...{ clientDataJSON: BASE64URL, attestationObject: BASE64URL },
    transports: z.array(z.string().max(40)).max(10).optional(),
  }),
}) as unknown as z.ZodType<NewPasskeyAnswer>

export const NEW_PASSKEY: z.ZodType<{ name: string; passkey: NewPasskeyAnswer }> = z.strictObject({
  name: z.string().min(1).max(60),
  passkey: NEW_PASSKEY_ANSWER.meta({ description: 'What the browser answers to POST /passkeys/challenge.' }),
})

/** What the page gives to the browser as it is. */
export const PASSKEY_QUESTION: z.ZodType = z
  .object({ challenge: z.string() })
  .catchall(z.unknown())
  .meta({ id: 'PasskeyQuestion', description: 'Options of WebAuthn, in JSON.' })

const PASSKEY_FIELDS = {
  id: UUID,
  name: z.string().meta({ description: 'Never show it as HTML.' }),
  rp_id: z.string().meta({ description: 'The host name for which it was made, and where alone it works.' }),
  created_at: TIME,
  last_used_at: TIME_OR_NULL,
}

export const PASSKEY: z.ZodType = z.object(PASSKEY_FIELDS).meta({ id: 'Passkey' })
export const PASSKEY_LIST: z.ZodType = z.object({ items: z.array(PASSKEY) }).meta({ id: 'PasskeyList' })
