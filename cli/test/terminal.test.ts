import { formatBytes, formatSeconds, formatTable } from '@telegram-backup/engine/units/human-units.ts'
import { parseExpiry } from '@telegram-backup/engine/units/quantities.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Output, printable } from '#commands/output.ts'
import { ProgressLine, progressBar } from '#commands/progress-line.ts'

class Sink {
  text = ''
  isTTY: boolean
  columns = 40

  constructor(isTTY: boolean) {
    this.isTTY = isTTY
  }

  write(text: string): void {
    this.text += text
  }
}

describe('what reaches a terminal', () => {
  it('holds no character that could rewrite it, whatever others wrote', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const stdout = new Sink(true)
        const stderr = new Sink(true)
        const output = new Output({ json: false, stdout, stderr })
        output.answer({}, () => text)
        output.failure(new Error(text))
        expect(stdout.text + stderr.text).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u)
      }),
    )
    expect(printable('größe 🙂\nnext')).toBe('größe 🙂\nnext')
    expect(printable('\u001b]0;owned\u0007')).not.toContain('\u001b')
  })

  it('is JSON in which nothing turns the order of a line round', () => {
    const stdout = new Sink(true)
    const text = 'invoice\u202egnp.sql\u2066\u2028\u009b2J'
    new Output({ json: true, stdout, stderr: new Sink(true) }).answer({ text }, () => '')
    expect(stdout.text).toContain('"invoice\\u202egnp.sql\\u2066\\u2028\\u009b2J"')
    expect(JSON.parse(stdout.text)).toEqual({ text })
  })

  it('is JSON that comes back as it was, without raw control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const stdout = new Sink(false)
        new Output({ json: true, stdout, stderr: new Sink(false) }).answer({ text }, () => '')
        expect(JSON.parse(stdout.text)).toEqual({ text })
        expect(stdout.text).not.toMatch(/[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
      }),
    )
  })
})

describe('progress', () => {
  it('redraws one line on a terminal, cut to its width, and takes it away', () => {
    const sink = new Sink(true)
    let nowMs = 0
    const progress = new ProgressLine(sink, () => nowMs)
    progress.update(() => 'x'.repeat(100))
    nowMs = 50
    progress.update(() => 'too soon')
    nowMs = 200
    progress.update(() => 'second')
    progress.end()
    expect(sink.text).toBe(`\r\u001b[K${'x'.repeat(39)}\r\u001b[Ksecond\r\u001b[K`)
  })

  it('makes room for what is said meanwhile, which stands on a line of its own', () => {
    const stderr = new Sink(true)
    const stdout = new Sink(true)
    const output = new Output({ json: false, stdout, stderr })
    const line = output.progressLine()
    line.update(() => '12 messages asked for')
    output.note('Asking for up to 91 messages')
    output.note('and another')
    expect(stderr.text).toBe(
      '\r\u001b[K12 messages asked for\r\u001b[KAsking for up to 91 messages\nand another\n',
    )
  })

  it('prints a plain line now and then elsewhere', () => {
    const sink = new Sink(false)
    let nowMs = 0
    const progress = new ProgressLine(sink, () => nowMs)
    for (; nowMs <= 25_000; nowMs += 1000) progress.update(() => `at ${nowMs}`)
    progress.end()
    expect(sink.text).toBe('at 10000\nat 20000\n')
  })

  it('bars stay within their ends', () => {
    expect(progressBar(0.5, 10)).toBe('[#####-----]  50 %')
    expect(progressBar(-1, 4)).toBe('[----]   0 %')
    expect(progressBar(7, 4)).toBe('[####] 100 %')
  })
})

describe('units for people', () => {
  it('sizes and times', () => {
    expect([0, 1023, 1024, 1536, 5 * 2 ** 30].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '5.0 GiB',
    ])
    expect([0, 61, 3661].map(formatSeconds)).toEqual(['0:00', '1:01', '1:01:01'])
  })

  it('expiries: spans and dates to come; all else is refused', () => {
    const now = new Date('2026-11-24T12:00:00Z')
    expect(parseExpiry('12h', now)).toEqual(new Date('2026-11-25T00:00:00Z'))
    expect(parseExpiry('30d', now)).toEqual(new Date('2026-12-24T12:00:00Z'))
    expect(parseExpiry('8w', now)).toEqual(new Date('2027-01-19T12:00:00Z'))
    expect(parseExpiry('2027-01-31', now)).toEqual(new Date('2027-01-31T00:00:00Z'))
    for (const text of ['', '0d', '3m', '-1d', '1.5d', 'never', '2026-11-24', '2027-13-01', '30', 'd']) {
      expect(() => parseExpiry(text, now), text).toThrow(expect.objectContaining({ code: 'USAGE' }))
    }
  })

  it('tables line up, and a cell stays in its row', () => {
    expect(
      formatTable([
        ['A', 'B'],
        ['long\ncell', 'x'],
      ]),
    ).toBe('A          B\nlong cell  x')
  })
})
