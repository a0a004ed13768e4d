import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { World } from '#torture/world/world.ts'

/** No process of the program is left, and no temporary file. */
export function leftoversCheck(world: World): string[] {
  const violations = processesOf(world.folder).map(name => `left: process ${name}`)
  for (const name of readdirSync(join(world.folder, 'tmp'))) violations.push(`left: temporary file ${name}`)
  return violations
}

/** Processes whose environment names the world's folder. An embedded server has none of it, and ends by itself. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').flatMap(pid => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const belongs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder)
      const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
      return belongs && state !== 'Z' ? [`${pid} ${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()}`] : []
    } catch {
      // It ended meanwhile, or is somebody else's.
      return []
    }
  })
}
