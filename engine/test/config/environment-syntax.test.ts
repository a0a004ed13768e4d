import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  changeAssignments,
  EnvironmentFault,
  formatAssignment,
  parseEnvironment,
} from '#config/environment-syntax.ts'

const NAMES = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,6}$/)
/** Mostly what a parser may trip over. */
const VALUES = fc.oneof(
  fc.string({
    unit: fc.constantFrom(...`"'\\\`$ \t\n\r#;=x!~é`),
    maxLength: 12,
  }),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter(value => !value.includes('\0')),
)
const TEXTS = fc.string({
  unit: fc.constantFrom('A', 'B', '=', '"', "'", '\\', '\n', '\r', ' ', '#', ';', '$', 'A=', '\nB=', '\\\n'),
  maxLength: 20,
})

function valuesOf(text: string): Record<string, string> {
  return Object.fromEntries(parseEnvironment(text).map(({ name, value }) => [name, value]))
}

describe('an environment file', () => {
  // Each value was read by systemd 257, too.
  test.each([
    ['A=1\n# a comment\n; another\n\n B = two words \n', { A: '1', B: 'two words' }],
    ['A="x \\" \\\\ \\$ \\` \\n y"', { A: 'x " \\ $ ` \\n y' }],
    ["A='x \\n \" $HOME'", { A: 'x \\n " $HOME' }],
    ['A=a\\\nb\nB="c\\\nd"\nC="e\nf"', { A: 'ab', B: 'cd', C: 'e\nf' }],
    ['A=a"b"c\nB=x\\ \nC=\nD=""', { A: 'a"b"c', B: 'x ', C: '', D: '' }],
    ['A=1\r\nB=2\r\nA=3', { A: '3', B: '2' }],
    ['A=postgresql://u:p@h/d?x=y#z', { A: 'postgresql://u:p@h/d?x=y#z' }],
  ])('is read as systemd reads it: %j', (text, values) => {
    expect(valuesOf(text)).toEqual(values)
  })

  test.each([
    ['A=1\nsecret', 2],
    ['A=1\n\nexport B=secret', 3],
    ['A-B=secret', 1],
    ['# x\n=secret', 2],
    ['A=1\nB="secret\nmore\n', 2],
    ["A='secret", 1],
    ['A=1\nB="secret" # note', 2],
    ['A=secret # note', 1],
    ['# secret \\\nA=1', 1],
  ])('is refused by the number of its line, without its text: %j', (text, line) => {
    const fault = catchFault(() => parseEnvironment(text))
    expect(fault.line).toBe(line)
    expect(fault.message).not.toContain('secret')
  })

  test('never ends in anything but values or the number of a line', () => {
    fc.assert(
      fc.property(TEXTS, text => {
        try {
          for (const { name, start, end } of parseEnvironment(text))
            expect(text.slice(start, end)).toContain(name)
        } catch (error) {
          expect(error).toBeInstanceOf(EnvironmentFault)
          expect((error as EnvironmentFault).line).toBeLessThanOrEqual(text.split('\n').length)
        }
      }),
    )
  })

  test('brings back every value that was written', () => {
    fc.assert(
      fc.property(fc.dictionary(NAMES, VALUES), values => {
        const text = Object.entries(values).map(([name, value]) => formatAssignment(name, value))
        expect(valuesOf(text.join(''))).toEqual({ ...values })
      }),
    )
  })

  test('means the same to a shell', () => {
    // One shell for many values: a process takes longer than all of them.
    const values = fc.sample(VALUES, { numRuns: 400, seed: 7 })
    const text = values.map((value, index) => formatAssignment(`V${index}`, value)).join('')
    const print = values.map((_, index) => `printf '%s\\0' "$V${index}"`).join('\n')
    const said = execFileSync('sh', ['-s'], { input: `${text}${print}\n`, encoding: 'utf8' })
    expect(said.split('\0').slice(0, -1)).toEqual(values)
  })

  test('keeps everything else when a value is changed, added or removed', () => {
    const line = fc.oneof(
      fc.tuple(NAMES, VALUES).map(([name, value]) => formatAssignment(name, value)),
      fc.constantFrom('\n', '# a comment\n', '; another\n', '  \n'),
    )
    const changed = fc.dictionary(NAMES, fc.option(VALUES, { nil: undefined }), { maxKeys: 3 })
    fc.assert(
      fc.property(fc.array(line), changed, (lines, changes) => {
        const before = lines.join('')
        const after = changeAssignments(before, changes)
        const wanted: Record<string, string | undefined> = { ...valuesOf(before), ...changes }
        expect(valuesOf(after)).toEqual(JSON.parse(JSON.stringify(wanted)))
        const others = lines.filter(one => !Object.keys(changes).some(name => one.startsWith(`${name}=`)))
        expect(after.startsWith(others.join('')) || others.every(one => after.includes(one))).toBe(true)
      }),
    )
  })

  test('loses a secret that was replaced, also where it was assigned twice', () => {
    const after = changeAssignments('T=old1\nX=1\n  T="old2"\n# end', { T: 'new' })
    expect(after).toBe('X=1\nT=new\n# end')
    expect(changeAssignments('X=1', { T: 'a b' })).toBe('X=1\nT="a b"\n')
  })
})

function catchFault(act: () => unknown): EnvironmentFault {
  try {
    act()
  } catch (error) {
    if (error instanceof EnvironmentFault) return error
  }
  throw new Error('nothing was refused')
}
