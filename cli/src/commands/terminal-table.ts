import type { Styled, Text } from '#commands/terminal-text.ts'

/** A column, and how it gives way where a terminal is too narrow for the whole table. */
export interface Column {
  heading: string
  /** On a terminal, only the first eight characters are shown. */
  isId?: boolean
  /** Left out on a narrow terminal, the lowest number first. A column without one stays. */
  leavesAs?: number
  /** On a narrow terminal, cells are cut to no fewer columns than this. */
  least?: number
}

export type Cell = string | Styled

const ID_LENGTH = 8
const GAP = 2

/**
 * Rows as columns. A line break in a cell becomes a blank.
 * @param width of the terminal in columns; undefined for a pipe or a file, which gets everything whole
 */
export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined,
): Text {
  const cells = [columns.map(({ heading }) => heading), ...rows].map(row =>
    row.map((cell, at) => oneLine(cell, columns[at]?.isId === true && width !== undefined)),
  )
  const widths = columns.map((_, at) => Math.max(...cells.map(row => columnsOf(textOf(row[at] ?? '')))))
  const shown = width === undefined ? columns.map((_, at) => at) : fitting(columns, widths, width)
  const lines = cells.map(row => lineOf(shown.map(at => fill(row[at] ?? '', widths[at] ?? 0))))
  const left = columns.filter((_, at) => !shown.includes(at)).map(({ heading }) => heading)
  return [
    ...lines.flatMap((line, index) => [...(index === 0 ? [] : ['\n']), ...line]),
    ...(left.length === 0 ? [] : ['\n', { text: `no room for ${left.join(', ')}`, style: 'dim' } as const]),
  ]
}

/** The columns that are shown, by their place; `widths` shrink to what each may use. */
function fitting(columns: readonly Column[], widths: number[], width: number): number[] {
  const leaving = columns
    .map(({ leavesAs }, at) => ({ leavesAs, at }))
    .filter(({ leavesAs }) => leavesAs !== undefined)
    .sort((a, b) => (a.leavesAs ?? 0) - (b.leavesAs ?? 0))
    .map(({ at }) => at)
  const shown = new Set(columns.keys())
  const over = (): number => sum([...shown].map(at => (widths[at] ?? 0) + GAP)) - GAP - width
  /** How much the shown columns can be cut by. */
  const slack = (at: number): number =>
    Math.max(0, (widths[at] ?? 0) - (columns[at]?.least ?? Number.POSITIVE_INFINITY))
  for (const at of leaving) {
    if (over() <= sum([...shown].map(slack))) break
    shown.delete(at)
  }
  for (;;) {
    const [widest] = [...shown].sort((a, b) => slack(b) - slack(a))
    if (over() <= 0 || widest === undefined || slack(widest) === 0) return [...shown]
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0)
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text
}

function withText(cell: Cell, text: string): Cell {
  return typeof cell === 'string' ? text : { ...cell, text }
}

function oneLine(cell: Cell, isCutId: boolean): Cell {
  const text = textOf(cell).replaceAll('\n', ' ')
  return withText(cell, isCutId ? text.slice(0, ID_LENGTH) : text)
}

/** The cell cut to the width, and the blanks after it. */
function fill(cell: Cell, width: number): [cell: Cell, blanks: string] {
  const text = textOf(cell)
  const fits = columnsOf(text) <= width ? text : cut(text, width)
  return [withText(cell, fits), ' '.repeat(Math.max(0, width - columnsOf(fits)))]
}

function cut(text: string, width: number): string {
  let kept = ''
  for (const character of text) {
    if (columnsOf(kept + character) > width - 1) break
    kept += character
  }
  return `${kept}…`
}

/** Without blanks at the end. */
function lineOf(cells: readonly (readonly [cell: Cell, blanks: string])[]): Cell[] {
  const last = cells.findLastIndex(([cell]) => textOf(cell).trim() !== '')
  return cells
    .slice(0, last + 1)
    .flatMap(([cell, blanks], at) => (at === last ? [cell] : [cell, blanks + ' '.repeat(GAP)]))
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

/** How many columns of a terminal the text fills. */
function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) columns += /\p{Mn}|\p{Cf}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return columns
}
