import type { Command } from 'commander'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createProgram } from '#cli.ts'
import { manualPages } from '#manual/pages.ts'
import { roffText } from '#manual/roff.ts'

const SILENT = { stdout: { write: () => {} }, stderr: { write: () => {} } }
const program = createProgram(async () => {}, SILENT)
const pages = manualPages(program, { version: '1.2.3', date: new Date('2026-11-24') })

function pageOf(name: string): string {
  return pages.find(({ fileName }) => fileName === `${name}.1`)?.text ?? ''
}

function every(command: Command): Command[] {
  return [command, ...command.commands.flatMap(every)]
}

describe('the manual', () => {
  it('has a page for the program and for each command, with each of its options and an example', () => {
    expect(pages.length).toBe(program.commands.length + 1)
    for (const command of program.commands) {
      const text = pageOf(`telegram-backup-${command.name()}`)
      for (const one of every(command)) {
        for (const { flags } of one.options) expect(text).toContain(roffText(flags))
        for (const { description } of one.registeredArguments) {
          const words = roffText(description.slice(1, 40))
          expect(text).toContain(words)
        }
      }
      expect(text, command.name()).toContain(roffText(`  telegram-backup ${command.name()}`))
      expect(pageOf('telegram-backup')).toContain(roffText(`telegram-backup-${command.name()}`))
    }
  })

  it('has names, exit codes and the version where a reader looks for them', () => {
    const text = pageOf('telegram-backup-restore')
    expect(text).toMatch(/^\.TH "TELEGRAM-BACKUP-RESTORE" 1 "2026-11-24" "telegram-backup 1\.2\.3"$/m)
    expect(text).toMatch(/^telegram\\-backup\\-restore \\- restore a database, a directory, or a part$/m)
    expect(text).toContain('.SH "EXIT STATUS"')
    expect(pageOf('telegram-backup')).toMatch(/^\.SH "BRING BACK"$/m)
  })

  it('is ASCII, and no text of a definition becomes a request', () => {
    for (const { text } of pages) expect(text).toMatch(/^\p{ASCII}*$/u)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), text => {
        const lines = roffText(text).split('\n')
        expect(lines.filter(line => /^[.']/.test(line))).toEqual([])
        expect(roffText(text)).toMatch(/^\p{ASCII}*$/u)
        expect(roffText(text).replace(/\\(?:e|-|&|\[u[0-9A-F]{4,6}\])/g, '')).not.toContain('\\')
      }),
    )
  })
})
