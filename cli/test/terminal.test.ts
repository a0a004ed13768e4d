import { formatBytes, formatSeconds, formatTable } from '@telegram-backup/engine/units/human-units.ts'
import { parseExpiry } from '@telegram-backup/engine/units/quantities.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Detail, Output, printable } from '#commands/output.ts'
import { describeWork, shareFacts, timeFacts } from '#commands/progress-facts.ts'
import { fittedLine, type ProgressFact, ProgressLine, progressBar } from '#commands/progress-line.ts'

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

function facts(text: string): ProgressFact[] {
  return [{ text, rank: 1 }]
}

function outputs(detail: Detail): { output: Output; stdout: Sink; stderr: Sink } {
  const [stdout, stderr] = [new Sink(true), new Sink(true)]
  return { output: new Output({ json: false, detail, stdout, stderr }), stdout, stderr }
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
    progress.update(() => facts('x'.repeat(100)))
    nowMs = 50
    progress.update(() => facts('too soon'))
    nowMs = 200
    progress.update(() => facts('second'))
    progress.end()
    expect(sink.text).toBe(`\r\u001b[K${'x'.repeat(39)}\r\u001b[Ksecond\r\u001b[K`)
  })

  it('makes room for what is said meanwhile, which stands on a line of its own', () => {
    const stderr = new Sink(true)
    const stdout = new Sink(true)
    const output = new Output({ json: false, stdout, stderr })
    const line = output.progressLine()
    line.update(() => facts('12 messages asked for'))
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
    for (; nowMs <= 75_000; nowMs += 1000) progress.update(() => facts(`at ${nowMs}`))
    progress.end()
    expect(sink.text).toBe('at 30000\nat 60000\n')
  })

  it('bars stay within their ends', () => {
    expect([0.5, -1, 7].map(share => progressBar(share, 4))).toEqual(['[##--]', '[----]', '[####]'])
  })

  it('leaves out what matters least where the terminal is narrow, and never breaks the line', () => {
    const now = { fraction: 0.45, bytesPerSecond: 28 * 2 ** 20, secondsLeft: 12.2 }
    const all = [...shareFacts(now), { text: '3 of 8 parts', rank: 3 }, ...timeFacts(now)]
    expect(fittedLine(all, 100)).toBe(
      '[###########-------------]   45 %  3 of 8 parts  28.0 MiB/s  0:13 left',
    )
    expect(fittedLine(all, 50)).toBe(' 45 %  3 of 8 parts  28.0 MiB/s  0:13 left')
    expect(fittedLine(all, 20)).toBe(' 45 %  0:13 left')
    const fact = fc.record({ text: fc.string(), rank: fc.nat({ max: 9 }) })
    fc.assert(
      fc.property(fc.array(fact), fc.nat({ max: 120 }), (facts, width) => {
        expect(fittedLine(facts, width).length).toBeLessThanOrEqual(width)
      }),
    )
  })

  it('ends with what was done, how long it took and how fast that was', () => {
    const items = [8, 'part'] as const
    expect(describeWork({ bytes: 143 * 2 ** 20, seconds: 5.1, items })).toBe(
      '143.0 MiB in 5.1 s, 28.0 MiB/s, 8 parts',
    )
    expect(describeWork({ bytes: 0, seconds: 0, items: [1, 'part'] })).toBe('0 B in 0.0 s, 1 part')
    expect(describeWork({ seconds: 125, items: [12, 'message'] })).toBe('12 messages in 2:05')
  })
})

describe('a quiet command', () => {
  it('prints what was asked for, warnings and errors, and nothing when all is well', () => {
    const { output, stdout, stderr } = outputs('quiet')
    output.outcome({}, () => 'Backup 1 is complete.')
    output.note('erasing 3 parts')
    output.step('getFile in 0.1 s')
    output.progressLine().update(() => facts('45 %'))
    expect(stdout.text + stderr.text).toBe('')
    output.answer([], () => 'ID  PROJECT')
    output.outcome({}, () => '1 item could not be reconciled', { isDone: false })
    output.note('warning: the source was empty')
    output.failure(new Error('no connection'))
    expect(stdout.text).toBe('ID  PROJECT\n1 item could not be reconciled\n')
    expect(stderr.text).toBe('warning: the source was empty\nerror: no connection\n')
  })

  it('prints its JSON all the same', () => {
    const stdout = new Sink(false)
    const output = new Output({ json: true, detail: 'quiet', stdout, stderr: new Sink(false) })
    output.outcome({ success: true }, () => '')
    expect(JSON.parse(stdout.text)).toEqual({ success: true })
  })
})

describe('a verbose command', () => {
  it('prints each step with the time since its start, on stderr', () => {
    const { output, stdout, stderr } = outputs('verbose')
    output.step('sendDocument message 7, 1.0 MiB in 0.2 s')
    expect(stdout.text).toBe('')
    expect(stderr.text).toMatch(/^ +0\.\d{3} s {2}sendDocument message 7, 1\.0 MiB in 0\.2 s\n$/)
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
