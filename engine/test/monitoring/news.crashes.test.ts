import { announce, claimNotice } from '@telegram-backup/database'
import { sql } from 'kysely'
import { TelegramError } from 'telegram-deployment-bot'
import { describe, expect, test } from 'vitest'
import { openChannels } from '#monitoring/channels.ts'
import { EVERY_MS, NO_OUTAGES, SHORT_LIMITS, watchBench } from '#test/monitoring/watch-bench.ts'
import { recordBackup } from '#test/monitoring/watched-catalog.ts'

const bench = watchBench()
const { watch, chatTexts, hooked, allTold } = bench
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const texts = (): string[] => bench.listener.notices().map(({ text }) => text)

describe('a notice that may come twice', () => {
  test('has one id for the webhook, in the body and in a header, however often it is tried', async () => {
    bench.listener.answerWith(503)
    watch()
    for (const text of ['first', 'second']) {
      const notice = { event: 'notice', kind: 'test', text }
      await announce(bench.database, { channels: ['webhook'], notice })
    }
    await expect.poll(() => bench.listener.heard.length).toBeGreaterThan(2)
    bench.listener.answerWith(204)
    await allTold()
    const ids = (text: string): Set<string> =>
      new Set(
        bench.listener
          .notices()
          .filter(one => one.text === text)
          .map(({ id }) => id),
      )
    expect([...ids('first'), ...ids('second')]).toEqual([
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      expect.stringMatching(/^[0-9a-f-]{36}$/),
    ])
    expect(ids('first')).not.toEqual(ids('second'))
    for (const { headers, body } of bench.listener.heard) {
      expect(headers['idempotency-key']).toBe(JSON.parse(body).id)
    }
  })

  test('says so in the chat when a process has died with it, and only then', async () => {
    const notice = (text: string) => ({ event: 'notice', kind: 'test', text })
    await announce(bench.database, { channels: ['chat'], notice: notice('of a dead one') })
    expect(await claimNotice(bench.database, { channels: ['chat'], claimForMs: 200 })).not.toBeNull()
    await announce(bench.database, { channels: ['chat'], notice: notice('of nobody') })
    watch()
    await allTold()
    expect(chatTexts()).toEqual(['of a dead one\n(This may have been sent before.)', 'of nobody'])
  })
})

describe('damage', () => {
  const damage = async (): Promise<void> => {
    await recordBackup(bench.database, 'shop-db', 1000)
    await sql`
      update control_plane.backups set damaged_at = clock_timestamp()
       where id = (select id from control_plane.backups where damaged_at is null order by created_at desc limit 1)
    `.execute(bench.database.kysely)
  }

  test('of another backup of a source is told while that of the first is open, by one process', async () => {
    await damage()
    watch({ ...NO_OUTAGES, newsEveryMs: 0 })
    watch({ ...NO_OUTAGES, newsEveryMs: 0 })
    await expect.poll(hooked).toEqual(['alert backup_damaged'])
    await pause(5 * EVERY_MS)
    expect(hooked()).toHaveLength(1)
    await damage()
    await expect.poll(() => hooked().length).toBe(2)
    await pause(5 * EVERY_MS)
    expect(texts()).toEqual([
      expect.stringMatching(/^⚠ Damaged backups of "shop-db" \(project shop, database\): 1 in the chat\. /),
      expect.stringMatching(
        /^⚠ Further: Damaged backups of "shop-db" \(project shop, database\): 2 in the chat\. /,
      ),
    ])
    await sql`update control_plane.backups set damaged_at = null`.execute(bench.database.kysely)
    await expect.poll(() => hooked().at(-1)).toBe('recovered backup_damaged')
  })

  test('of many backups, found one after the other, is told as one when the time for news has come', async () => {
    await damage()
    watch({ newsEveryMs: 3_600_000 })
    await expect.poll(hooked).toEqual(['alert backup_damaged'])
    for (let more = 0; more < 3; more++) {
      await damage()
      await pause(3 * EVERY_MS)
    }
    expect(hooked()).toHaveLength(1)
    await sql`update control_plane.alerts set raised_at = raised_at - interval '1 hour'`.execute(
      bench.database.kysely,
    )
    await expect.poll(() => hooked().length).toBe(2)
    expect(texts()[1]).toContain(': 4 in the chat.')
  })
})

describe('a chat', () => {
  test('that belongs to another catalog is told of in words of its own, by the webhook alone', async () => {
    const refusal = {
      code: 'CONFIGURATION',
      message: 'The chat was taken over by a newer generation of this catalog',
      hint: 'Use another chat.',
    }
    let isTaken = true
    const one = watch({ ...SHORT_LIMITS, askChat: async () => (isTaken ? refusal : undefined) })
    await expect.poll(hooked).toEqual(['alert chat_not_ours'])
    expect(texts()[0]).toMatch(
      /^⚠ The chat does not belong to this catalog since 20.*: The chat was taken over .* catalog\. Nothing is written there any more, .* Use another chat\.$/,
    )
    expect(one.isWell()).toBe(false)
    expect(chatTexts()).toEqual([])
    isTaken = false
    await expect.poll(hooked).toEqual(['alert chat_not_ours', 'recovered chat_not_ours'])
  })

  test('that refuses the bot is told of with what Telegram says', async () => {
    watch({
      askChat: async () => {
        throw new TelegramError('Telegram does not accept the bot token (Unauthorized)', {
          code: 'CONFIGURATION',
          errorCode: 401,
        })
      },
    })
    await expect.poll(hooked).toEqual(['alert chat_unreachable'])
    expect(texts()[0]).toContain('Z: Telegram does not accept the bot token (Unauthorized). ')
  })

  test('that has become a supergroup is told in, under its new id', async () => {
    const { emulator, client } = bench.vault
    const [bot] = emulator.inspect.bots()
    if (bot === undefined) throw new Error('no bot')
    const group = emulator.createChat({ type: 'group', title: 'Watchers', administrators: [{ bot }] })
    const channels = openChannels(
      { chat: { id: String(group.id) }, webhook: null, leftOut: { chat: [], webhook: [] } },
      { texts: client, vaultChatId: undefined },
    )
    const moved = await emulator.asHuman.migrate(group.id)
    watch({ channels })
    await announce(bench.database, {
      channels: ['chat'],
      notice: { event: 'notice', kind: 'test', text: 'hello' },
    })
    await allTold()
    expect(emulator.inspect.messages(moved).map(({ text }) => text)).toContain('hello')
  })
})
