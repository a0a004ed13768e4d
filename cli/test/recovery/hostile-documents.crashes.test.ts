import { createHash, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'
import { loadOrCreateSigningKey } from '@telegram-backup/archive'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openChat, type TestChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { writeCaption, writeIndexCaption } from 'telegram-deployment-bot'
import { afterAll, beforeAll, expect, test } from 'vitest'

// A few kilobytes in the chat that unpack to a text of 62 MB, of which JSON.parse would make gigabytes.
// Without encryption, as whoever has no public key of ours would post them: age makes them no smaller and no
// larger.

const TEXT_BYTES = 62_000_000
/** Enough for a recovery, and nothing beside: a process that takes more is ended by Node, with 134. */
const SMALL_HEAP = '--max-old-space-size=128'

let vault: TestVault
let plain: Buffer
let machines = 0

beforeAll(async () => {
  vault = await openTestVault()
  plain = randomBytes(100_000)
  await writeFile(join(vault.folder, 'a.bin'), plain)
})

afterAll(() => vault.close())

const CASES = [
  { form: 'a few kilobytes', paddingBytes: 0, isGiven: true },
  { form: 'a megabyte', paddingBytes: 800_000, isGiven: true },
  { form: 'a megabyte', paddingBytes: 800_000, isGiven: false },
]

/**
 * As `sealDocument` writes it, whatever the text. Random bytes in a member that a reader passes over make it
 * large enough to be allowed such a text.
 */
function signedDocument(of: { kind: string; text: string; key: StrangersKey; paddingBytes: number }): Buffer {
  const { kind, text, key, paddingBytes } = of
  const signature = sign(null, Buffer.from(`telegram-backup ${kind} 1\n${text}`), key.privateKey)
  return compressed(
    JSON.stringify({
      [kind]: text,
      signature: signature.toString('base64'),
      publicKey: Buffer.from(key.publicKey).toString('base64'),
      padding: randomBytes(paddingBytes).toString('hex'),
    }),
  )
}

interface StrangersKey {
  privateKey: KeyObject
  publicKey: Uint8Array
}

function compressed(text: string): Buffer {
  return zstdCompressSync(Buffer.from(text), { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
}

async function post(chat: TestChat, bytes: Buffer, caption: string): Promise<number> {
  const sent = await vault.client.sendDocument({
    chatId: String(chat.chatId),
    fileName: 'shop_storage_20261124T053300Z_1b9d6bcd_manifest.zst',
    bytes,
    caption,
  })
  return sent.messageId
}

/** A manifest above all others, and a pinned index. */
async function plant(chat: TestChat, documents: { manifest: Buffer; index: Buffer }): Promise<void> {
  const sha256 = createHash('sha256').update(documents.manifest).digest('hex')
  await post(
    chat,
    documents.manifest,
    writeCaption({
      project: 'shop',
      type: 'storage',
      createdAt: new Date('2026-11-24T05:33:00Z'),
      backupId: randomUUID(),
      content: { kind: 'manifest' },
      sha256,
    }),
  )
  const catalog = { id: randomUUID(), generation: 1 }
  const caption = writeIndexCaption({ catalog, edition: '1-00000000' })
  vault.emulator.asHuman.pin(chat.chatId, await post(chat, documents.index, caption))
}

async function chatWithBackup(): Promise<{ chat: TestChat; id: string; signer: string }> {
  const chat = await openChat(vault)
  chat.env['BACKUP_ENCRYPTION'] = 'off'
  for (const name of ['BACKUP_AGE_RECIPIENTS', 'BACKUP_AGE_IDENTITY_FILE']) delete chat.env[name]
  chat.env['TELEGRAM_BACKUP_HOME'] = join(vault.folder, `sender-${++machines}`)
  const file = join(vault.folder, 'a.bin')
  const args = ['send', '--project', 'shop', '--type', 'storage', '--file', file, '--json']
  const run = await runCli(args, { env: chat.env })
  expect(run.code, run.stderr).toBe(0)
  const card = await runCli(['card'], { env: chat.env })
  const [signer = ''] = /SHA256:\S{44}/.exec(card.stdout) ?? []
  return { chat, id: (run.json() as IntegratedBackupResult).databaseRecord?.id ?? '', signer }
}

test.each(CASES)(
  'a recovery with 128 MiB of heap gets the backup back past documents of $form, --signer: $isGiven',
  {
    timeout: 240_000,
  },
  async ({ paddingBytes, isGiven }) => {
    const { chat, id, signer } = await chatWithBackup()
    const key = await loadOrCreateSigningKey(join(vault.folder, 'stranger.pem'))
    const hostile = { text: `[${'[],'.repeat(TEXT_BYTES / 3)}[]]`, key, paddingBytes }
    await plant(chat, {
      manifest: signedDocument({ kind: 'manifest', ...hostile }),
      index: signedDocument({ kind: 'index', ...hostile }),
    })
    const env = {
      ...chat.env,
      TELEGRAM_BACKUP_HOME: join(vault.folder, `machine-${++machines}`),
      NODE_OPTIONS: SMALL_HEAP,
    }
    const run = await runCli(['recover', ...(isGiven ? ['--signer', signer] : []), '--json'], { env })
    expect(run.code, run.stderr).toBe(3)
    expect(run.json()).toMatchObject({ signer, backups: [{ id, outcome: 'added', state: 'complete' }] })
    const out = join(vault.folder, `out-${machines}`)
    const fetched = await runCli(['fetch', id, '--out', out], { env })
    expect(fetched.code, fetched.stderr).toBe(0)
    expect((await readFile(out)).equals(plain)).toBe(true)
  },
)

test('an envelope that is itself such a text is passed over', { timeout: 240_000 }, async () => {
  const { chat, id, signer } = await chatWithBackup()
  const text = compressed(`{"manifest":${'['.repeat(TEXT_BYTES)}`)
  const named = compressed(`{${'"a":"",'.repeat(TEXT_BYTES / 7)}"b":""}`)
  await plant(chat, { manifest: text, index: named })
  const env = {
    ...chat.env,
    TELEGRAM_BACKUP_HOME: join(vault.folder, `machine-${++machines}`),
    NODE_OPTIONS: SMALL_HEAP,
  }
  const run = await runCli(['recover', '--signer', signer, '--json'], { env })
  expect(run.code, run.stderr).toBe(3)
  expect(run.json()).toMatchObject({ signer, backups: [{ id, outcome: 'added', state: 'complete' }] })
})
