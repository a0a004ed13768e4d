import type { HookLine } from '@telegram-backup/engine/operations/backup.ts'
import type { Output } from '#commands/output.ts'

/** Prints what hooks print; a quiet command prints only what belongs to a program that failed. */
export function hookLines(output: Pick<Output, 'detail' | 'insist'>): (line: HookLine) => void {
  const held: string[] = []
  return ({ stage, level, text, isEnd }) => {
    held.push(`${stage}: ${text}`)
    const isWanted = output.detail !== 'quiet' || level === 'error'
    if (isWanted) for (const line of held.splice(0)) output.insist(line)
    else if (isEnd) held.length = 0
  }
}
