import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CONDITION_KINDS } from '#config/condition-kinds.ts'
import type { Condition } from '#monitoring/conditions.ts'
import { alertNotice, catalogNotice, chatText, recoveryNotice } from '#monitoring/wording.ts'

const NOW = Date.parse('2026-11-25T12:00:00Z')
const HOUR = 3_600_000

describe('what is said', () => {
  test('names the source, what is wrong and how long it lasted', () => {
    const condition: Condition = {
      ...{ key: 'k', kind: 'backup_overdue', project: 'shop', type: 'database', source: 'shop-db' },
      details: { last_complete_at: '2026-11-25T07:00:00.000Z', limit_seconds: 7200 },
    }
    expect(alertNotice(condition, new Date(NOW)).text).toBe(
      '⚠ No complete backup of "shop-db" (project shop, database) for too long. The last complete one: ' +
        '2026-11-25T07:00:00.000Z; there should be one every 2 h at least.',
    )
    const noticed = new Date(NOW - 3 * HOUR)
    const times = { noticed, until: new Date(NOW), at: new Date(NOW + 90_000) }
    expect(recoveryNotice(condition, times)).toMatchObject({
      event: 'recovered',
      text: '✓ The backup of "shop-db" (project shop, database) is no longer overdue, after 3 h',
      details: { lasted_seconds: 10_800 },
    })
  })

  test('of the end of an alert is what is right again, and how long it was not', () => {
    const times = { noticed: new Date(NOW - 144_000), until: new Date(NOW), at: new Date(NOW) }
    const told = CONDITION_KINDS.map(kind => {
      const isOfSource = kind.startsWith('backup_') || kind === 'schedule_off'
      const [project, type, source] = isOfSource ? ['shop', 'logs', 'shop-logs'] : [null, null, null]
      const details = { channel: 'webhook', host: 'vault', job_kind: 'restore', target: 'copy' }
      return recoveryNotice({ kind, project, type, source, details }, times).text
    })
    expect(new Set(told).size).toBe(CONDITION_KINDS.length)
    for (const text of told) expect(text).toMatch(/^✓ [A-Z].*, after 2\.4 min$/)
    expect(told).toContain('✓ The chat can be reached again, after 2.4 min')
    expect(told).toContain(
      '✓ The backup of "shop-logs" (project shop, logs) is no longer failing, after 2.4 min',
    )
    expect(told).toContain('✓ No restore job to "copy" waits too long any more, after 2.4 min')
    const trouble = { since: NOW - 144_000, message: 'gone' }
    expect(catalogNotice('recovered', { host: 'vault', pid: 7 }, trouble, new Date(NOW)).text).toBe(
      '✓ The catalog can be reached from vault (process 7) again, after 2.4 min',
    )
  })

  test('in a chat is at most what Telegram takes, mentions nobody, and turns no line round', () => {
    expect(chatText('ask @everyone or /start\u202e')).toBe('ask @\u2060everyone or /\u2060start\ufffd')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 9000 }), text => {
        const said = chatText(text.repeat(3))
        expect(said.length).toBeLessThanOrEqual(4096)
        expect(said.isWellFormed()).toBe(true)
        expect(said).not.toMatch(/@\w/)
      }),
    )
  })
})
