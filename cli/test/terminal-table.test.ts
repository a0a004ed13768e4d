import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Output } from '#commands/output.ts'
import { shownState } from '#commands/shown-state.ts'
import { type Cell, type Column, tableText } from '#commands/terminal-table.ts'
import { plain, wantsColour } from '#commands/terminal-text.ts'

const ID = '3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11'
const COLUMNS: Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'SOURCE', least: 6 },
  { heading: 'STATE' },
  { heading: 'EXPIRES', leavesAs: 2 },
  { heading: 'VERIFIED', leavesAs: 1 },
]
/** Of the columns that never leave, cut as far as they may be: 8, 6, and 8 of "complete", with gaps. */
const NARROWEST = 8 + 2 + 6 + 2 + 8

const cell = fc.string({ unit: fc.constantFrom(...'ab -\n\u001b界é'), maxLength: 40 })
const rows = fc.array(
  fc
    .tuple(cell, cell, cell)
    .map(([source, expires, verified]): Cell[] => [ID, source, 'complete', expires, verified]),
  { maxLength: 5 },
)

function linesOf(table: readonly (readonly Cell[])[], width: number | undefined): string[] {
  return plain(tableText(COLUMNS, table, width)).split('\n')
}

describe('a table', () => {
  it('fits every terminal that has room for its narrowest form, in one line a row', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: NARROWEST, max: 160 }), (table, width) => {
        const lines = linesOf(table, width).filter(line => !line.startsWith('no room for'))
        expect(lines).toHaveLength(table.length + 1)
        for (const line of lines) expect(line.replaceAll('界', '界.').length).toBeLessThanOrEqual(width)
        for (const line of lines.slice(1)) expect(line).toMatch(/^3f0c2c1e {2}/)
      }),
    )
  })

  it('is whole in a pipe, however long it is', () => {
    fc.assert(
      fc.property(rows, table => {
        const lines = linesOf(table, undefined)
        expect(lines).toHaveLength(table.length + 1)
        for (const [index, row] of table.entries())
          for (const one of row)
            expect(lines[index + 1]).toContain(String(one).replaceAll('\n', ' ').trimEnd())
      }),
    )
  })

  it('names the columns for which there is no room, the least important ones first', () => {
    const table = [[ID, 'shop', 'complete', '2026-12-31', '28 min ago']]
    expect(linesOf(table, 60)).toHaveLength(2)
    expect(linesOf(table, 40).at(-1)).toBe('no room for VERIFIED')
    expect(linesOf(table, 30).at(-1)).toBe('no room for EXPIRES, VERIFIED')
  })

  it('cuts a long name rather than leave out a column, where that is enough', () => {
    const [, row] = linesOf([[ID, 'a-very-long-name-of-a-source', 'failed', '2026-12-31', 'never']], 50)
    expect(row).toMatch(/^3f0c2c1e {2}a-very-.*… {2}failed {2}2026-12-31 {2}never$/)
  })
})

class Sink {
  text = ''
  isTTY: boolean
  columns = 80
  constructor(isTTY: boolean) {
    this.isTTY = isTTY
  }
  write(text: string): void {
    this.text += text
  }
}

describe('colours', () => {
  it.each([
    ['a terminal', true, {}, true],
    ['a pipe', false, {}, false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
    ['FORCE_COLOR in a pipe', false, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR against NO_COLOR', true, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
  ])('of %s', (_what, isTTY, env, wanted) => {
    expect(wantsColour(new Sink(isTTY), env)).toBe(wanted)
  })

  it('are those of the program alone: a name cannot bring its own', () => {
    const stdout = new Sink(true)
    const output = new Output({ json: false, stdout, stderr: new Sink(true), env: {} })
    output.answer({}, () =>
      output.table([{ heading: 'A' }, { heading: 'B' }], [['\u001b[32mgood', shownState('DAMAGED')]]),
    )
    expect(stdout.text).toBe('A          B\n\ufffd[32mgood  \u001b[31mDAMAGED\u001b[39m\n')
  })
})
