import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { parseSpanMs } from '#units/quantities.ts'

/** A program of `before` or `after`. */
export interface HookCommand {
  /** The absolute path of the program, and its arguments; no shell reads them. */
  run: string[]
  /** `30s`, `5m`; then the program is ended. */
  timeout?: string | undefined
}

const LONGEST_ARGUMENT = 4096
const MOST_COMMANDS = 20
const LONGEST_MS = 86_400_000

const ARGUMENTS = z.array(z.union([z.string(), z.number().transform(String)])).min(1)
const COMMAND = z.union([
  ARGUMENTS.transform((run): HookCommand => ({ run })),
  z.strictObject({
    run: ARGUMENTS.meta({ description: 'The absolute path of the program, and its arguments.' }),
    timeout: z
      .string()
      .optional()
      .meta({ description: 'How long the program may take: 30s, 5m, 1h. Default: 5m.' }),
  }),
])

/** `before` and `after` of a source: one list of arguments, or a list of commands. */
export const HOOK_COMMANDS: z.ZodType<HookCommand[]> = z
  .union(
    [ARGUMENTS.transform((run): HookCommand[] => [{ run }]), z.array(COMMAND).max(MOST_COMMANDS)],
    'write a program and its arguments as a list, [/usr/local/bin/quiesce, shop], or a list of such lists; one with a time limit is { run: [PROGRAM, ARGUMENT], timeout: 30s }',
  )
  .superRefine((commands, context) => {
    for (const [index, { run, timeout }] of commands.entries()) {
      const refuse = (message: string): void =>
        context.addIssue({ code: 'custom', message, path: commands.length > 1 ? [index] : [] })
      if (!isAbsolute(run[0] ?? ''))
        refuse('begin with the absolute path of the program, such as /usr/local/bin/quiesce')
      if (run.some(text => text.includes('\0') || text.length > LONGEST_ARGUMENT))
        refuse(`an argument has at most ${LONGEST_ARGUMENT} characters, and no zero character`)
      if (timeout !== undefined && !isTimeout(timeout))
        refuse('timeout: write a whole number and a unit, from 1s to 1d: 30s, 5m or 1h')
    }
  })

function isTimeout(text: string): boolean {
  try {
    const span = parseSpanMs(text)
    return span >= 1000 && span <= LONGEST_MS
  } catch {
    return false
  }
}
