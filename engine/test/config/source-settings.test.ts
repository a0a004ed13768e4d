import { CONNECTORS } from '@telegram-backup/connectors/registry.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SOURCE_SETTING_NAMES } from '#config/config-file-schema.ts'
import { chooseSource, type SourceSettings } from '#config/source-settings.ts'
import { parsePastTime, parseRate, parseSpanMs } from '#units/quantities.ts'

describe('which source', () => {
  it.each([
    [{}, /exactly one source/],
    [{ file: 'a', directory: 'b' }, /exactly one source/],
    [{ postgres: 'postgresql://h/d', stdin: true }, /exactly one source/],
    [{ file: 'a', table: ['t'] }, /"table" cannot be combined with "file"/],
    [{ stdin: true, exclude: ['x'] }, /"exclude" cannot be combined with standard input/],
    [{ stdin: true, allow: ['empty,vanished'] }, /"allow: vanished" cannot be used with standard input/],
    [{ file: 'x', allow: ['empty'] }, /"allow" cannot be combined with "file"/],
    [{ directory: 'a', format: 'custom' }, /"format" cannot be combined with "directory"/],
    [
      { postgres: 'postgresql://h/d', one_file_system: true },
      /"one-file-system" cannot be combined with "postgres"/,
    ],
    [{ postgres: 'postgresql://h/d', format: 'tar' }, /format/],
    [{ directory: 'a', type: 'storage', include: ['*.log'] }, /--type logs|select log files/],
    [{ directory: 'a', type: 'logs', since: 'tomorrow' }, /tomorrow/],
    [{ directory: 'a', allow: ['everything'] }, /everything/],
    [{ directory: '' }, /is empty/],
  ] as [SourceSettings, RegExp][])('%j is refused', (settings, words) => {
    expect(() => chooseSource(settings)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(words) }),
    )
  })

  it('options are read, with defaults', () => {
    expect(chooseSource({ postgres: 'postgresql://h/d', schema: ['a', 'b'] })).toMatchObject({
      kind: 'postgres',
      options: { format: 'plain', schemas: ['a', 'b'], lockTimeoutMs: 60_000, proof: 'fast' },
    })
    for (const [settings, proof] of [
      [{ proof: 'sha256' }, 'sha256'],
      [{ count_rows: false }, 'off'],
      [{ count_rows: true }, 'fast'],
      [{ count_rows: false, proof: 'off' }, 'off'],
    ] as const) {
      expect(chooseSource({ postgres: 'postgresql://h/d', ...settings })).toHaveProperty(
        'options.proof',
        proof,
      )
    }
    expect(() => chooseSource({ postgres: 'postgresql://h/d', count_rows: false, proof: 'fast' })).toThrow(
      'count_rows: false and proof: fast contradict each other',
    )
    expect(() => chooseSource({ postgres: 'postgresql://h/d', proof: 'md5' })).toThrow('"md5" is unknown')
    expect(
      chooseSource({ directory: '/x', type: 'storage', allow: ['unreadable,vanished', 'changed'] }),
    ).toMatchObject({
      kind: 'directory',
      options: { allow: ['unreadable', 'vanished', 'changed'], mayGrow: false },
    })
    expect(chooseSource({ directory: '/x', type: 'logs' })).not.toHaveProperty('options.logs')
  })

  it('all that a kind of source reads may stand in telegram-backup.yaml, but for standard input', () => {
    const read = CONNECTORS.flatMap(({ place, settings }) => [place, ...settings])
    expect(read.filter(name => !SOURCE_SETTING_NAMES.includes(name))).toEqual(['stdin'])
  })
})

describe('quantities', () => {
  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['0', 0],
  ])('%s are %i ms', (text, ms) => expect(parseSpanMs(text)).toBe(ms))

  it.each([
    ['500k', 512_000],
    ['2M', 2_097_152],
    ['1.5m', 1_572_864],
    ['4096', 4096],
  ])('%s are %i bytes a second', (text, rate) => expect(parseRate(text)).toBe(rate))

  it.each(['', '10', '0', 'k', '-1M', '1T', '1e9', '5 M', 'Infinity'])('%j is no rate', text => {
    expect(() => parseRate(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  it('a time lies in the past', () => {
    const now = new Date('2026-11-24T12:00:00Z')
    expect(parsePastTime('24h', now)).toEqual(new Date('2026-11-23T12:00:00Z'))
    expect(parsePastTime('2026-11-24', now)).toEqual(new Date('2026-11-24T00:00:00Z'))
    expect(() => parsePastTime('2026-11-25', now)).toThrow(/past/)
  })

  it('anything else is refused with what to write, never taken for a number', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        if (/^\s*(\d{1,6}(ms|s|m|h|d|w)|0)\s*$/.test(text)) return
        expect(() => parseSpanMs(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
      }),
    )
  })
})
