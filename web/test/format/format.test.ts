import { describe, expect, it } from 'vitest'
import { Format } from '#format/format.ts'
import { localeOf } from '#words/languages.ts'

const [en, ru, de] = [new Format('en', 'UTC'), new Format('ru', 'UTC'), new Format('de', 'Europe/Berlin')]

describe('numbers and times as people read them', () => {
  it('writes a limit in one unit: hours up to two days', () => {
    expect([26, 47.5, 72].map(hours => en.span(hours * 3_600))).toEqual(['26 hours', '47.5 hours', '3 days'])
    expect(ru.span(26 * 3_600)).toBe('26 часов')
    expect(de.span(900)).toBe('15 Minuten')
  })

  it('writes sizes and speeds in the units of the language', () => {
    expect([0, 1_023, 1_536, 3 * 1_024 ** 4].map(size => en.bytes(size))).toEqual([
      '0 B',
      '1,023 B',
      '1.5 KiB',
      '3 TiB',
    ])
    expect(ru.speed(1_536)).toBe('1,5 КиБ/с')
    expect([1_024 ** 2 - 1, 1_024 ** 3 - 1, 1_024 ** 5].map(size => en.bytes(size))).toEqual([
      '1 MiB',
      '1 GiB',
      '1,024 TiB',
    ])
  })

  it('writes a duration in two units at most, and never below zero', () => {
    expect(en.seconds(7_500)).toBe('2 hr 5 min')
    expect(en.seconds(-3)).toBe('0 sec')
  })

  it('writes a day of the calendar as that day in every zone', () => {
    expect(de.day('2026-12-01')).toBe('1. Dez.')
    expect(new Format('en', 'America/Los_Angeles').day('2026-12-01')).toBe('Dec 1')
  })

  it('writes a time in the zone of its viewer, and in another one on request', () => {
    expect(de.time('2026-12-01T23:30:00Z')).toBe('02.12.2026, 00:30')
    expect(de.time('2026-12-01T23:30:00Z', 'UTC')).toBe('01.12.2026, 23:30')
    expect(de.timeIn('2026-12-01T23:30:00Z', 'Asia/Tokyo')).toBe('02.12.2026, 08:30 (Asia/Tokyo)')
  })

  it('names a zone that this browser does not know, instead of failing', () => {
    expect(en.timeIn('2026-12-01T23:30:00Z', 'Mars/Olympus')).toBe('Mars/Olympus')
  })

  it('never says "yesterday": thirty hours ago is the day before yesterday in the first hours of a day', () => {
    const now = new Date('2026-12-03T01:00:00Z')
    expect(en.relative('2026-12-01T19:00:00Z', now)).toBe('1 day ago')
    expect(de.relative('2026-12-05T02:00:00Z', now)).toBe('in 2 Tagen')
    expect(en.relative(now, now)).toBe('now')
  })

  it('writes dates as the browser wants them in the language, whatever the browser calls it', () => {
    const timeIn = (...wanted: string[]): string =>
      new Format('en', 'UTC', localeOf('en', wanted)).time('2026-12-01T23:30:00Z')
    expect(timeIn('en-GB', 'en-US')).toBe('1 Dec 2026, 23:30')
    expect([timeIn('de-DE'), timeIn('en-US@posix')].map(text => text.replace(/\s/g, ' '))).toEqual([
      'Dec 1, 2026, 11:30 PM',
      'Dec 1, 2026, 11:30 PM',
    ])
  })
})
