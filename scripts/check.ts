// Runs the checks of the project, as many at once as there are cores, and prints the output of each as a
// whole when it has ended. All run, even when one has failed; the exit code is 1 if any has failed.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Scripts of package.json, the longest first: one that began last would keep one core waiting. */
const CHECKS = ['check:types', 'check:boundaries', 'check:style', 'check:unused', 'check:text']

/** Runs a script of package.json; returns whether its exit code was 0. */
function passes(script: string): Promise<boolean> {
  const child = spawn('npm', ['run', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece: Buffer) => {
      output.push(piece)
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      process.stdout.write(Buffer.concat(output))
      resolve(code === 0)
    })
  })
}

const waiting = [...CHECKS]
const failed: string[] = []

async function runWaiting(): Promise<void> {
  for (let script = waiting.shift(); script !== undefined; script = waiting.shift())
    if (!(await passes(script))) failed.push(script)
}

await Promise.all(Array.from({ length: availableParallelism() }, runWaiting))
if (failed.length > 0) {
  process.stdout.write(`\nFAILED: ${failed.join(', ')}\n`)
  process.exitCode = 1
}
