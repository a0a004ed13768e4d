import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type FolderIdentity, identify, killProcessesIn, processesIn } from '#embedded/processes.ts'

/** A folder for one test, which only this user can enter, as mktemp -d makes it. */
export class TestStateFolder {
  readonly parent: string = mkdtempSync(join(tmpdir(), 'catalog-test-'))
  readonly path: string = join(this.parent, 'state')

  get data(): FolderIdentity {
    const data = identify(join(this.path, 'pg18'))
    if (!data) throw new Error(`no data folder in ${this.path}: ${readdirSync(this.path)}`)
    return data
  }

  /** The server's processes. */
  get processes(): number[] {
    return processesIn(this.data)
  }

  /** After the last one has left: no process, no socket, no half-made folder. */
  expectNothingLeft(): void {
    expect(this.processes).toEqual([])
    const leftovers = readdirSync(this.path).filter(name => name.includes('.new-') || name.includes('.tmp-'))
    expect(leftovers).toEqual([])
    expect(
      readdirSync(this.data.path).filter(name => name.startsWith('.s.PGSQL') || name === 'postmaster.pid'),
    ).toEqual([])
  }

  /** Also after a failed test. */
  async remove(): Promise<void> {
    const data = existsSync(this.path) && identify(join(this.path, 'pg18'))
    if (data) await killProcessesIn(data)
    rmSync(this.parent, { recursive: true, force: true, maxRetries: 3 })
  }
}
