import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { formatDay, formatTime } from '#units/human-units.ts'
import { parseDate, parseTime } from '#units/quantities.ts'
import { showUtc } from '#units/shown-zone.ts'

const NOW = new Date('2026-11-24T12:00:00Z')

afterEach(() => showUtc(false))

/** A process reads its zone at its start. */
async function inZone(zone: string, script: string): Promise<unknown> {
  const code = `
    import { formatDay, formatTime } from '#units/human-units.ts'
    import { parseDate } from '#units/quantities.ts'
    import { showUtc } from '#units/shown-zone.ts'
    ${script}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: { TZ: zone },
  })
  return JSON.parse(stdout)
}

const SHOWN = `
  const winter = new Date('2026-12-01T23:02:59Z')
  const summer = new Date('2026-07-01T22:02:00Z')
  console.log(JSON.stringify([formatTime(winter), formatTime(summer), formatDay(winter)]))`

describe('times', () => {
  it('are shown in the local zone with its offset at that time', async () => {
    expect(await inZone('Europe/Berlin', SHOWN)).toEqual([
      '2026-12-02 00:02 +01:00',
      '2026-07-02 00:02 +02:00',
      '2026-12-02',
    ])
    expect(await inZone('America/St_Johns', SHOWN)).toEqual([
      '2026-12-01 19:32 -03:30',
      '2026-07-01 19:32 -02:30',
      '2026-12-01',
    ])
    expect(await inZone('UTC', SHOWN)).toContain('2026-12-01 23:02 UTC')
  })

  it('are shown and read in UTC where that is wanted', async () => {
    expect(await inZone('Europe/Berlin', `showUtc(true)\n${SHOWN}`)).toContain('2026-12-01 23:02 UTC')
    expect(
      await inZone(
        'Europe/Berlin',
        `const read = () => parseDate('2026-11-01')
         const local = read()
         showUtc(true)
         console.log(JSON.stringify([local, read(), parseDate('2026-11-01 15:00 +05:30')]))`,
      ),
    ).toEqual(['2026-10-31T23:00:00.000Z', '2026-11-01T00:00:00.000Z', '2026-11-01T09:30:00.000Z'])
  })

  it('are read again as they are shown, in each zone, also in the hour that comes twice', async () => {
    const failures = `
      const failures = []
      for (let time = Date.UTC(2026, 0, 1); time < Date.UTC(2027, 0, 1); time += 17 * 60_000) {
        const shown = formatTime(new Date(time))
        if (parseDate(shown)?.getTime() !== time) failures.push(shown)
      }
      console.log(JSON.stringify(failures))`
    for (const zone of ['Europe/Berlin', 'America/St_Johns', 'Pacific/Chatham'])
      expect(await inZone(zone, failures)).toEqual([])
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), time => {
        expect(parseDate(formatTime(time))?.getTime()).toBe(Math.floor(time.getTime() / 60_000) * 60_000)
        expect(formatTime(parseDate(formatDay(time)) as Date)).toContain(formatDay(time))
      }),
    )
  })

  it.each([
    ['2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    [' 2026-11-24 15:30 ', '2026-11-24T15:30:00.000Z'],
    ['2026-11-24T15:30:07.5Z', '2026-11-24T15:30:07.000Z'],
    ['2026-11-24 15:30 +0100', '2026-11-24T14:30:00.000Z'],
    ['2026-11-24 15:30 UTC', '2026-11-24T15:30:00.000Z'],
  ])('%j is a date', (text, time) => expect(parseDate(text)?.toISOString()).toBe(time))

  it.each([
    '2026-02-31',
    '2026-13-01',
    '2026-00-10',
    '2026-11-00',
    '2026-11-24 25:00',
    '2026-11-24 12:60',
    '26-1-1',
    '2026-11-24x',
    '',
    '1',
    'yesterday',
  ])('%j is no date, and is not rounded to one', text => expect(parseDate(text)).toBeUndefined())

  it('a span counts back from now, and anything else is refused with what to write', () => {
    expect(parseTime('7d', NOW)).toEqual(new Date('2026-11-17T12:00:00Z'))
    expect(parseTime('2027-01-01', NOW)).toEqual(new Date('2027-01-01T00:00:00Z'))
    fc.assert(
      fc.property(fc.string(), text => {
        if (/^\s*\d{1,6}(ms|s|m|h|d|w)\s*$/.test(text)) return
        expect(() => parseTime(text, NOW)).toThrow(expect.objectContaining({ code: 'USAGE' }))
      }),
    )
  })
})
