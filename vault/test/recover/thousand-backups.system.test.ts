import { createHash, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  type IndexEntry,
  loadOrCreateSigningKey,
  type Manifest,
  sealIndex,
  sealManifest,
  signerFingerprint,
} from '@telegram-backup/archive'
import { queryBackups } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { backupFileName, writeCaption, writeIndexCaption } from 'telegram-deployment-bot'
import { afterAll, beforeAll, expect, test } from 'vitest'

const BACKUPS = 1000
const PART = Buffer.from('a part that nobody opens here')
let machines: Machines
let next: Machine

beforeAll(async () => {
  machines = await openMachines()
  next = await machines.open()
})

afterAll(() => machines.close())

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/**
 * A chat with so many backups of one part, and their index; as sends would have left it, without their work.
 */
async function fillChat(): Promise<void> {
  const { vault } = machines
  const chatId = String(vault.chatId)
  const signingKey = await loadOrCreateSigningKey(join(vault.folder, 'thousand.pem'))
  const encryption = { recipients: [vault.recipient] }
  const catalog = { id: randomUUID(), generation: 1 }
  const backups: IndexEntry[] = []
  for (let count = 0; count < BACKUPS; count++) {
    const createdAt = new Date(Date.UTC(2026, 0, 1, 0, count))
    const backup = { id: randomUUID(), project: 'shop', type: 'database', filename: 'shop.sql' } as const
    const times = { createdAt: createdAt.toISOString(), completedAt: createdAt.toISOString() }
    const facts = { ...backup, backupId: backup.id, createdAt, catalog }
    const part = await next.client.sendDocument({
      chatId,
      fileName: 'part.zst.age',
      bytes: PART,
      caption: writeCaption({
        ...facts,
        content: { kind: 'part', number: 1, last: true },
        sha256: sha256(PART),
      }),
    })
    const hash = sha256(PART)
    const sizes = { plainSize: 10, plainSha256: hash, archiveSize: PART.length, encrypted: true }
    const { messageId, fileId } = part
    const placed = { size: PART.length, sha256: hash, plainOffset: 0, plainSize: 10, messageId, fileId }
    const manifest: Manifest = {
      format: 1,
      catalogId: catalog.id,
      generation: 1,
      backup,
      source: {},
      ...times,
      ...sizes,
      archiveSha256: hash,
      partSizeBytes: 65_536,
      parts: [{ number: 1, ...placed }],
    }
    const bytes = await sealManifest(manifest, { encryption, signingKey })
    const sent = await next.client.sendDocument({
      chatId,
      fileName: 'manifest.zst.age',
      bytes,
      caption: writeCaption({ ...facts, content: { kind: 'manifest' }, sha256: sha256(bytes) }),
    })
    backups.push({
      id: backup.id,
      project: backup.project,
      type: backup.type,
      filename: backupFileName({ ...backup, createdAt }),
      state: 'complete',
      ...times,
      expiresAt: new Date(Date.UTC(2030, 0)).toISOString(),
      ...sizes,
      partCount: 1,
      restoreCount: 0,
      signer: signerFingerprint(signingKey),
      manifest: { messageId: sent.messageId, fileId: sent.fileId, size: bytes.length, sha256: sha256(bytes) },
      partMessages: [messageId],
      history: [],
    })
  }
  const edition = '1-00000000'
  const index = {
    format: 1 as const,
    edition,
    drawnAt: new Date().toISOString(),
    catalogId: catalog.id,
    generation: 1,
    chatId,
    signers: [signerFingerprint(signingKey)],
    backups,
  }
  const pinned = await next.client.sendDocument({
    chatId,
    fileName: 'index.zst.age',
    bytes: await sealIndex(index, { encryption, signingKey }),
    caption: writeIndexCaption({ catalog, edition }),
  })
  await next.client.pinMessage(chatId, pinned.messageId)
}

test('a thousand backups come back, and the memory does not grow with them', async () => {
  await fillChat()
  let most = 0
  let looks = 0
  const before = process.memoryUsage().rss
  const begun = performance.now()
  const report = await next.recover({
    onLook: () => {
      if (++looks % 100 === 0) most = Math.max(most, process.memoryUsage().rss)
    },
  })
  const grownMiB = Math.round((most - before) / 1024 ** 2)
  console.log(
    `${BACKUPS} backups in ${Math.round((performance.now() - begun) / 1000)} s, ${grownMiB} MiB more`,
  )
  expect(report.backups.flatMap(({ findings }) => findings)).toEqual([])
  expect((await queryBackups(next.database, { limit: 1 })).total).toBe(BACKUPS)
  expect((await machines.index()).backups).toHaveLength(BACKUPS)
  // The emulator is in this process as well.
  expect(grownMiB).toBeLessThan(200)
})
