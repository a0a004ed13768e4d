import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { openObjects } from '@telegram-backup/engine/wiring.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { openTestCatalog, openTestVault } from '@telegram-backup/test-support/vault.ts'
import { expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

const { signal } = new AbortController()

it('verify --all covers buckets beside backups: those of a project, and none with a type of backups', async () => {
  const vault = await openTestVault()
  const catalog = await openTestCatalog()
  try {
    const env = { ...(await cliEnvironment(vault)), ...catalog.env }
    const run = (...args: string[]) => callCli(args, { env })
    const file = join(vault.folder, 'a.bin')
    await writeFile(file, randomBytes(1_000))
    for (const args of [
      ['send', '--project', 'shop', '--type', 'storage', '--file', file],
      ['bucket', 'create', 'laptops', '--kind', 'restic', '--project', 'shop'],
      ['bucket', 'create', 'office', '--kind', 'restic', '--project', 'office'],
    ])
      expect(await run(...args)).toMatchObject({ code: 0 })
    const config = readConfig(env)
    const at = { config, database: catalog, client: vault.client }
    const store = await openObjects(at, { cacheBytes: 2 ** 27, log: () => {}, signal })
    const body = (async function* () {
      yield randomBytes(500)
    })()
    await store.put(await store.bucket('laptops'), { key: 'data/a', body }, { signal })
    await store.close({ graceMs: 10_000 })

    const sound = await run('verify', '--all', '--project', 'shop', '--read-data', '--json')
    expect(sound).toMatchObject({ code: 0 })
    expect(sound.json()).toMatchObject({
      success: true,
      backups: [{ state: 'sound' }],
      buckets: [{ name: 'laptops', state: 'sound', depth: 'plain bytes', objects: 1, success: true }],
    })
    const pack = vault.emulator.inspect
      .messages(vault.chatId)
      .find(({ caption }) => caption?.includes(' pack='))
    vault.emulator.asHuman.deleteMessage(vault.chatId, Number(pack?.message_id))
    const all = await run('verify', '--all', '--json')
    expect(all).toMatchObject({ code: 5 })
    expect(all.json()).toMatchObject({
      success: false,
      backups: [{ state: 'sound', success: true }],
      buckets: [
        { name: 'laptops', state: 'damaged', success: false, lost_keys: ['data/a'] },
        { name: 'office', state: 'sound', success: true },
      ],
    })
    const words = await run('verify', '--all')
    expect(words.stdout).toMatch(
      /1 backup: 1 sound(.|\n)*Bucket laptops is DAMAGED(.|\n)*Bucket office is sound/,
    )
    expect((await run('verify', '--all', '--type', 'storage', '--json')).json()).not.toHaveProperty('buckets')
    expect(await run('verify', '--project', 'shop')).toMatchObject({ code: 0 })
  } finally {
    await catalog.discard()
    await vault.close()
  }
})
