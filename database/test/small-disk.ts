import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A small disk of its own, in memory, that can be filled to the last byte. Only root can mount one. */
export class SmallDisk {
  readonly path: string = mkdtempSync(join(tmpdir(), 'small-disk-'))

  /** `options` as for mount(8), such as `size=8m`. Throws, and says so, when it cannot be mounted. */
  constructor(options: string) {
    try {
      this.#mount(`mode=0711,${options}`)
    } catch (error) {
      rmSync(this.path, { recursive: true })
      throw error
    }
  }

  /** Changes its size. */
  resize(options: string): void {
    this.#mount(`remount,${options}`)
  }

  /** Takes all the room there is. */
  fill(): void {
    const file = openSync(join(this.path, 'filling'), 'a')
    try {
      for (const size of [1 << 20, 1 << 12, 1]) writeUntilFull(file, Buffer.alloc(size))
    } finally {
      closeSync(file)
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(join(this.path, 'filling'))
  }

  remove(): void {
    run('umount', ['--lazy', this.path])
    rmSync(this.path, { recursive: true })
  }

  #mount(options: string): void {
    run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', this.path])
  }
}

function run(program: string, args: string[]): void {
  try {
    execFileSync(program, args, { stdio: 'pipe' })
  } catch (cause) {
    throw new Error('This test needs root and the right to mount a tmpfs', { cause })
  }
}

function writeUntilFull(file: number, piece: Buffer): void {
  try {
    while (writeSync(file, piece) === piece.length);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}
