import { setTimeout as sleep } from 'node:timers/promises'
import { loadOrCreateSigningKey } from '@telegram-backup/archive'
import { beginUndelete, catalogClock, removeBucket, sqlRunner } from '@telegram-backup/database'
import { refreshIndex, type TelegramClient } from 'telegram-deployment-bot'
import { expect, it } from 'vitest'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { NEVER } from '#test/objects/bodies.ts'
import { openStoreWorld } from '#test/objects/store-world.ts'

it('an index that names the undelete of a bucket is not taken for one that names its removal', async () => {
  const world = await openStoreWorld({ undeleteMs: 3_600_000 })
  try {
    const { bucket, catalog, vault } = world
    const one = await world.open()
    await one.put('data/a', 'a')
    await sleep(5)
    const at = await catalogClock(catalog)
    await sleep(5)
    await one.store.delete(bucket, 'data/a')
    await beginUndelete(catalog, { bucketId: bucket.id, at })
    const { encryption, signingKeyFile } = world.config()
    const signingKey = await loadOrCreateSigningKey(signingKeyFile)
    const draw = async (client: TelegramClient): Promise<boolean> => {
      const of = { chatId: String(vault.chatId), encryption: encryption ?? 'off', signingKey, signal: NEVER }
      await refreshIndex(client, createCatalogVault(catalog), of)
      const { rows } = await sqlRunner(catalog).executeSql(
        'select removal_indexed_at from control_plane.object_buckets',
      )
      return rows[0]?.['removal_indexed_at'] !== null
    }
    // The bucket is removed while its undelete is on the way to the chat.
    const slow: TelegramClient = {
      ...vault.client,
      editDocument: async (edit, options) => {
        const edited = await vault.client.editDocument(edit, options)
        await removeBucket(catalog, bucket.id)
        return edited
      },
    }
    expect(await draw(slow)).toBe(false)
    expect(await draw(vault.client)).toBe(true)
  } finally {
    await world.close()
  }
})
