import { type Manifest, openManifest } from '@telegram-backup/archive'
import { hint, run } from '@telegram-backup/errors'
import type { CallWait } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { type ExpectedDocument, fetchDocument } from '#services/fetch-document.ts'
import { TelegramError } from '#telegram-error.ts'

export interface FetchManifestOptions extends ExpectedDocument {
  encrypted: boolean
  /** age identities, `AGE-SECRET-KEY-1…`. */
  identities: readonly string[]
  signal?: AbortSignal | undefined
  onWait?: ((wait: CallWait) => void) | undefined
}

/**
 * The manifest, opened only if its size and SHA-256 are right, and its signer's fingerprint. Throws
 * `INTEGRITY`, `WRONG_KEY`, `NO_KEY`, `CANCELLED` and the client's errors.
 */
export async function fetchManifest(
  client: TelegramClient,
  options: FetchManifestOptions,
): Promise<{ manifest: Manifest; signer: string }> {
  const { encrypted, identities, signal, onWait } = options
  const fetched = await fetchDocument(client, options, { name: 'The manifest', signal, onWait })
  if ('failure' in fetched) throw fetched.failure
  if (fetched.state === 'changed') {
    throw new TelegramError('The manifest in the chat is not the one that was sent', {
      code: 'INTEGRITY',
      hint: hint`Another backup of this source may be whole: ${run('list')}`,
    })
  }
  return openManifest(fetched.bytes, { encrypted, identities })
}
