import { execFile } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hint, run } from '@telegram-backup/errors'
import { createFile, isThere } from '#durable-files.ts'
import { bareEnvironment } from '#environment.ts'
import type { Setup, Staged } from '#setup/setup.ts'
import { ownUnitFacts, writeUnit } from '#setup/unit-file.ts'

const UNIT = 'telegram-backup.service'
/** Where administrators put units. */
const UNIT_FOLDER = '/etc/systemd/system'
/** There while systemd runs the machine. */
const SYSTEMD_RUNS = '/run/systemd/system'

export interface KnownService {
  /** The unit that was written or found; undefined when none was wanted. */
  unit: string | undefined
  isInstalled: boolean
  /** Shell lines that install it. */
  commands: readonly string[]
}

/**
 * Installs and starts the service where this user may, else writes its unit into the folder of the set-up.
 * @param command what starts this program: absolute paths
 */
export async function setUpService(setup: Setup, command: readonly string[]): Promise<Staged<KnownService>> {
  const { answers, folder, settings } = setup
  if (!answers.wantsService) {
    return {
      state: 'there',
      message: 'left out',
      hint: hint`Schedules run only while "${run('serve')}" runs.`.toString(),
      result: { unit: undefined, isInstalled: false, commands: [] },
    }
  }
  const installed = join(UNIT_FOLDER, UNIT)
  if (await isThere(installed)) {
    return {
      state: 'there',
      message: `${installed} is there, and stays as it is`,
      result: { unit: installed, isInstalled: true, commands: [] },
    }
  }
  const { stateFolder } = settings.config()
  const text = writeUnit(ownUnitFacts({ command, environmentFile: settings.path, stateFolder }))
  if (process.geteuid?.() === 0 && (await isThere(SYSTEMD_RUNS))) return await install(installed, text)
  const unit = join(folder, UNIT)
  await createFile(unit, text)
  const sudo = process.geteuid?.() === 0 ? '' : 'sudo '
  const commands = [
    `${sudo}install -m 644 ${inShell(unit)} ${installed}`,
    `${sudo}systemctl daemon-reload`,
    `${sudo}systemctl enable --now telegram-backup`,
  ]
  return {
    state: 'open',
    message: `not installed; its unit is in ${unit}`,
    hint: `Nothing runs on schedule until it is installed: ${commands.join(' && ')}`,
    result: { unit, isInstalled: false, commands },
  }
}

async function install(unit: string, text: string): Promise<Staged<KnownService>> {
  await createFile(unit, text)
  await chmod(unit, 0o644)
  const commands = ['systemctl daemon-reload', 'systemctl enable --now telegram-backup']
  try {
    await systemctl('daemon-reload')
    await systemctl('enable', '--now', 'telegram-backup')
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string }
    return {
      state: 'open',
      message: `${unit} is written, but the service does not start: ${stderr.trim().slice(0, 500) || message}`,
      hint: 'See: systemctl status telegram-backup',
      result: { unit, isInstalled: false, commands },
    }
  }
  return {
    state: 'made',
    message: `${unit} is installed, and the service runs`,
    result: { unit, isInstalled: true, commands: [] },
  }
}

async function systemctl(...args: string[]): Promise<void> {
  await promisify(execFile)('systemctl', args, { env: bareEnvironment(), timeout: 60_000 })
}

function inShell(path: string): string {
  return /^[A-Za-z0-9/._-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
