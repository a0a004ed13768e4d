import { createHash, randomBytes } from 'node:crypto'
import { generateIdentity } from '@telegram-backup/archive'
import { describe, expect, test } from 'vitest'
import type { BackupMetadata, FetchManifestOptions, SentMessage } from '#index.ts'
import { alteringProxy } from '#test/altering-proxy.ts'
import { type EmulatedChat, emulatedChat } from '#test/emulated-chat.ts'
import { failureOf } from '#test/odd-exchange.ts'

async function sent(
  chat: EmulatedChat,
): Promise<{ metadata: BackupMetadata; manifest: SentMessage; options: FetchManifestOptions }> {
  const file = randomBytes(200_000)
  const { metadata, error } = await chat.service.sendBackup({ projectId: 'shop', type: 'logs', file })
  if (!metadata?.manifest) throw new Error(error)
  const { fileId, size, sha256 } = metadata.manifest
  const options = { fileId, size, sha256, encrypted: true, identities: [chat.identity] }
  return { metadata, manifest: metadata.manifest, options }
}

describe('the manifest of a backup', () => {
  test('is fetched, and tells what was sent and who signed it', async () => {
    const chat = await emulatedChat()
    const { metadata, options } = await sent(chat)
    const { manifest, signer } = await chat.service.fetchManifest(options)
    expect(signer).toBe(metadata.signer)
    expect(manifest.backup.id).toBe(metadata.id)
    expect(manifest.parts.map(({ messageId }) => messageId)).toEqual(
      metadata.parts?.map(({ messageId }) => messageId),
    )
  })

  test('comes again when it was damaged on the way', async () => {
    const chat = await emulatedChat()
    const { options } = await sent(chat)
    chat.emulator.faults.on('download', {}, { kind: 'flip-bit', offset: 100 })
    await expect(chat.service.fetchManifest(options)).resolves.toMatchObject({ manifest: { format: 1 } })
  })

  test('is not opened when it is damaged in the chat, gone, another one, or recorded otherwise', async () => {
    const chat = await emulatedChat()
    const { options, manifest } = await sent(chat)
    const { manifest: other } = await sent(chat)
    const apiRoot = await alteringProxy(chat.emulator.url, ({ method, body }) => {
      if (method === 'download' && createHash('sha256').update(body).digest('hex') === manifest.sha256) {
        body.writeUInt8(body.readUInt8(100) ^ 1, 100)
      }
    })
    const damaged = chat.createService({ telegramClient: chat.createClient({ apiRoot }) })
    const fetches = [
      damaged.fetchManifest(options),
      chat.service.fetchManifest({ ...options, fileId: 'gone' }),
      chat.service.fetchManifest({ ...options, fileId: other.fileId }),
      chat.service.fetchManifest({ ...options, size: options.size + 1 }),
      chat.service.fetchManifest({ ...options, size: options.size - 1 }),
      chat.service.fetchManifest({ ...options, sha256: other.sha256 }),
    ]
    for (const error of await Promise.all(fetches.map(failureOf))) {
      expect(error).toMatchObject({ code: 'INTEGRITY' })
      expect(error.message).toMatch(/manifest/i)
    }
  })

  test('wants its own key', async () => {
    const chat = await emulatedChat()
    const { options } = await sent(chat)
    const { identity } = await generateIdentity()
    const wrong = chat.service.fetchManifest({ ...options, identities: [identity] })
    await expect(failureOf(wrong)).resolves.toMatchObject({ code: 'WRONG_KEY' })
    const none = chat.service.fetchManifest({ ...options, identities: [] })
    await expect(failureOf(none)).resolves.toMatchObject({ code: 'NO_KEY' })
  })

  test('is not waited for after a cancel', async () => {
    const chat = await emulatedChat()
    const { options } = await sent(chat)
    chat.emulator.faults.on('download', {}, { kind: 'delay', ms: 3_600_000 })
    const signal = AbortSignal.timeout(30)
    await expect(failureOf(chat.service.fetchManifest({ ...options, signal }))).resolves.toMatchObject({
      code: 'CANCELLED',
    })
  })
})
