import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A child process that uses a catalog, with what it has said so far. */
export interface ClientProcess {
  child: ChildProcess
  lines: string[]
  complaints: string[]
  /** Resolves when such a line has come; rejects when the process ends without it. */
  said(pattern: RegExp): Promise<string>
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals | null>
}

/** Runs `test/programs/catalog-client.ts` with this Node. */
export function startClient(args: string[], env: NodeJS.ProcessEnv = {}): ClientProcess {
  return startProgram(import.meta.resolve('#test/programs/catalog-client.ts'), args, env)
}

/** Runs a program, a file: URL, with this Node. */
export function startProgram(program: string, args: string[], env: NodeJS.ProcessEnv = {}): ClientProcess {
  return follow(
    spawn(process.execPath, [fileURLToPath(program), ...args], { env: { ...process.env, ...env } }),
  )
}

/** Collects the lines of a child process. */
export function follow(child: ChildProcess): ClientProcess {
  const lines: string[] = []
  const complaints: string[] = []
  const collect = (into: string[]) => {
    let rest = ''
    return (text: string) => {
      const pieces = (rest + text).split('\n')
      rest = pieces.pop() ?? ''
      into.push(...pieces)
    }
  }
  child.stdout?.setEncoding('utf8').on('data', collect(lines))
  child.stderr?.setEncoding('utf8').on('data', collect(complaints))
  const ended = once(child, 'close').then(
    ([code, signal]) => (signal ?? code) as number | NodeJS.Signals | null,
  )
  const said = async (pattern: RegExp): Promise<string> => {
    let over = false
    ended.then(() => {
      over = true
    })
    for (;;) {
      const line = lines.find(text => pattern.test(text))
      if (line !== undefined) return line
      if (over) throw new Error(`ended without saying ${pattern}: ${complaints.join('\n')}`)
      await Promise.race([ended, child.stdout && once(child.stdout, 'data')])
    }
  }
  return { child, lines, complaints, said, ended }
}
