import { describe, expect, it } from 'vitest'
import { createProgram } from '#cli.ts'
import { callCli } from '#test/call-cli.ts'

const SILENT = { stdout: { write: () => {} }, stderr: { write: () => {} } }
const program = createProgram(async () => {}, SILENT)

describe('the overview of the commands', () => {
  const lines = program.helpInformation().split('\n')

  it('fits a screen of 62 lines, with one line for each command', () => {
    expect(lines.length).toBeLessThanOrEqual(59) // three more lines say how to go on
    for (const command of program.commands) {
      const name = new RegExp(`^  ${command.name()}[ ].*${command.summary().replace(/[?*.[\]]/g, '.')}$`)
      expect(command.summary(), command.name()).not.toBe('')
      expect(lines.filter(line => name.test(line))).toHaveLength(1)
    }
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80)
  })

  it('puts each command into a group, and only there', () => {
    expect(lines).toContain('Bring back:')
    expect(lines).not.toContain('Commands:')
  })

  it('leaves the long text to the help of the command', () => {
    const restore = createProgram(async () => {}, SILENT, ['restore']).commands.find(
      command => command.name() === 'restore',
    )
    expect(restore?.helpInformation()).toMatch(/The target does not change\s+until the last part/)
  })

  it('says after a mistake in the arguments whose help explains them', async () => {
    const { code, stderr } = await callCli(['restore', 'latest'], { env: {} })
    expect([code, stderr]).toEqual([2, expect.stringContaining('hint: telegram-backup restore --help')])
    const below = await callCli(['schedule', 'add', '--source', 'shop'], { env: {} })
    expect(below.stderr).toContain('hint: telegram-backup schedule add --help')
  })
})
