import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** The browser of the system. Throws where there is none: a gate that is left out would hold nothing back. */
function findChromium(): string {
  const given = process.env['TELEGRAM_BACKUP_TEST_CHROMIUM']
  if (given !== undefined && given !== '') return given
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = NAMES.flatMap(name => folders.map(folder => join(folder, name))).find(isProgram)
  if (found !== undefined) return found
  throw new Error(
    `There is no ${NAMES.join(', ')} on the PATH. Install one (apt-get install chromium), or name one with TELEGRAM_BACKUP_TEST_CHROMIUM.`,
  )
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Starts it without a window. `args` are its own, such as `--host-resolver-rules=…`. */
export async function startChromium(args: readonly string[] = []): Promise<Browser> {
  // As root, Chromium has no sandbox.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return await chromium.launch({ executablePath: findChromium(), args: [...sandbox, ...args] })
}
