import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// systemd's own opinion of the units; it need not run for that.

const UNITS = join(import.meta.dirname, '..', '..', 'deploy', 'systemd')
/**
 * Of 10. A service without any hardening has 9.6; the network, and V8's code made at run time, cost what is
 * left.
 */
const HIGHEST_EXPOSURE = 2
const PROGRAM = 'systemd-analyze'
let folder: string

function analyze(...args: string[]): { output: string; status: number | null } {
  const { stdout, stderr, status, error } = spawnSync(PROGRAM, ['--no-pager', ...args], {
    encoding: 'utf8',
  })
  if (error) throw new Error('This test needs systemd-analyze: apt-get install systemd')
  return { output: `${stdout}${stderr}`, status }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'units-'))
  for (const name of readdirSync(UNITS)) copyFileSync(join(UNITS, name), join(folder, name))
  // Where Node and restic lie on this machine does not matter to the unit.
  for (const name of readdirSync(folder).filter(file => file.endsWith('.service'))) {
    const path = join(folder, name)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/\/usr\/bin\/(node|restic)/g, process.execPath))
  }
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const SERVICES = ['telegram-backup.service', 'telegram-backup-send@.service', 'restic-backup@.service']
const TIMERS = ['telegram-backup-send@.timer', 'restic-backup@.timer']

it.each([...SERVICES, ...TIMERS])('systemd finds nothing wrong with %s', unit => {
  expect(analyze('verify', '--man=no', join(folder, unit))).toEqual({ output: '', status: 0 })
})

it('systemd would find a setting that it does not know', () => {
  const unit = join(folder, 'planted.service')
  writeFileSync(
    unit,
    `${readFileSync(join(folder, 'telegram-backup.service'), 'utf8')}\n[Service]\nProtectEverything=yes\n`,
  )
  expect(analyze('verify', '--man=no', unit).output).toContain('ProtectEverything')
})

describe.each(SERVICES)('%s', unit => {
  it(`is exposed no more than ${HIGHEST_EXPOSURE} of 10`, () => {
    const { output } = analyze('security', '--offline=true', join(folder, unit))
    const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(output) ?? []
    expect(Number(exposure)).toBeLessThanOrEqual(HIGHEST_EXPOSURE)
  })
})

it.each(TIMERS)('%s names a time that comes', timer => {
  const [, when = ''] = /^OnCalendar=(.+)$/m.exec(readFileSync(join(UNITS, timer), 'utf8')) ?? []
  expect(analyze('calendar', when)).toMatchObject({
    status: 0,
    output: expect.stringContaining('Next elapse'),
  })
})
