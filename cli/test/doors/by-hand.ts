import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Runs the script of docs/format.md that makes a folder of objects out of a folder of messages, in a process
 * that has none of this program's settings. Gives the folder, which restic opens.
 */
export async function repositoryByHand(
  messages: string,
  of: { keyFile: string; out: string },
): Promise<string> {
  const page = await readFile(new URL('../../../docs/format.md', import.meta.url), 'utf8')
  const [, script] = /\n```(?:ba)?sh\n([^`]*\bjq\b[^`]*\bdata\/[^`]*)```/.exec(page) ?? []
  if (script === undefined) throw new Error('docs/format.md has no script that opens packs')
  const child = spawn('bash', ['-c', script, 'bash', messages, of.out], {
    cwd: messages,
    env: { PATH: process.env['PATH'] ?? '', KEY: of.keyFile, PACKS: messages, OUT: of.out },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  if (code !== 0) throw new Error(`the script ended with ${code}: ${errors}`)
  return join(of.out)
}
