import { expect, it } from 'vitest'
import { FilterProgram } from '#programs/piped-program.ts'

const OPTIONS = { environment: { PATH: process.env['PATH'] ?? '' } }

async function* inputOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

/** A shell that passes its input through, closes its output, and then goes on with `ending`. */
function closesItsOutput(ending: string): FilterProgram {
  return new FilterProgram('/bin/sh', ['-c', `cat; exec >&-; sleep 0.2; ${ending}`], OPTIONS)
}

async function passThrough(program: FilterProgram): Promise<string> {
  const passed: Buffer[] = []
  for await (const chunk of program.pass(inputOf('abc'))) passed.push(chunk)
  return Buffer.concat(passed).toString()
}

it.each([0, 1])(
  'a program that closes its output before it ends ends by itself, with %i and its words',
  async exitCode => {
    const program = closesItsOutput(`echo 'last words' >&2; exit ${exitCode}`)
    expect(await passThrough(program)).toBe('abc')
    expect(await program.ended).toEqual({ exitCode, words: 'last words\n' })
  },
)

it.each([
  ['exit 3', 3, 'it gave no reason (exit code 3)'],
  ['kill -TERM $$', null, 'it gave no reason (ended by SIGTERM)'],
])('of a program that fails without a word (%s) its end is told', async (ending, exitCode, words) => {
  const program = closesItsOutput(ending)
  expect(await passThrough(program)).toBe('abc')
  expect(await program.ended).toEqual({ exitCode, words })
})

it('a program whose output nobody wants any more is killed', async () => {
  const program = new FilterProgram('/bin/sh', ['-c', 'echo begun; exec sleep 1000'], OPTIONS)
  for await (const chunk of program.pass(inputOf('abc'))) {
    expect(chunk.toString()).toBe('begun\n')
    break
  }
  expect(await program.ended).toMatchObject({ exitCode: null, words: 'it gave no reason (ended by SIGKILL)' })
})

it('an error of the input is thrown, and the program is gone', async () => {
  const program = new FilterProgram('/bin/sh', ['-c', 'exec cat'], OPTIONS)
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from('abc')
    throw new Error('a part is damaged')
  }
  const passed = async (): Promise<void> => {
    for await (const _ of program.pass(broken()));
  }
  await expect(passed()).rejects.toThrow('a part is damaged')
  expect(await program.ended).toMatchObject({ exitCode: null })
})
