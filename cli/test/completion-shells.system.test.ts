import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SHELL_SCRIPTS } from '#completion/shell-scripts.ts'

const run = promisify(execFile)
let folder: string
let env: Record<string, string>

/** Names that a hostile catalog could give. Each would make the file `made` if a shell ran it. */
const HOSTILE = [
  'la$(touch made)',
  'la`touch made`',
  'la;touch made',
  "la'\"; touch made; '",
  `la${'$'}{x:-$(touch made)}`,
  'la<(touch made)',
  'la\\$(touch made)',
  'la*~&|',
]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'completion-'))
  // Stands for the program: repeats what it was asked, and gives the prepared answer.
  const program = join(folder, 'telegram-backup')
  await writeFile(program, '#!/bin/sh\nprintf "%s\\n" "$@" >asked\ncat answer\n')
  await chmod(program, 0o755)
  for (const [shell, script] of Object.entries(SHELL_SCRIPTS)) await writeFile(join(folder, shell), script)
  await answer(['words', ...HOSTILE.map(word => `${word}\tits meaning`)])
  env = { PATH: `${folder}:${process.env['PATH']}`, HOME: folder, TERM: 'dumb' }
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function answer(lines: readonly string[]): Promise<void> {
  await writeFile(join(folder, 'answer'), `${lines.join('\n')}\n`)
}

async function asked(): Promise<string[]> {
  return (await readFile(join(folder, 'asked'), 'utf8')).split('\n').slice(0, -1)
}

async function shell(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, args, { cwd: folder, env, timeout: 60_000 })
  await expect(stat(join(folder, 'made')), 'nothing was run').rejects.toMatchObject({ code: 'ENOENT' })
  return stdout
}

describe('bash', () => {
  const COMPLETE = `. ./bash
    at() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _telegram_backup; printf '%s\\n' "\${COMPREPLY[@]}"; }`

  it('inserts each name so that the shell reads it as one word, and runs nothing of it', async () => {
    const inserted = await shell('bash', ['-c', `${COMPLETE}\nat telegram-backup show la`])
    const words = inserted.split('\n').slice(0, -1)
    expect(words).toHaveLength(HOSTILE.length)
    // As when a person presses Enter after it.
    const read = await shell('bash', ['-c', words.map(word => `printf '%s\\n' ${word}`).join('\n')])
    expect(read.split('\n').slice(0, -1)).toEqual(HOSTILE)
    expect(await asked()).toEqual(['__complete', '--', 'show', 'la'])
  })

  it('puts words together that it cuts at ":" and "=", and replaces only what is after them', async () => {
    await answer(['words', 'latest:shop\tx', '--source=shop\tx'])
    const latest = await shell('bash', ['-c', `${COMPLETE}\nat telegram-backup show latest : s`])
    expect([latest, (await asked()).at(-1)]).toEqual(['shop\n', 'latest:s'])
    const source = await shell('bash', ['-c', `${COMPLETE}\nat telegram-backup send --source = ''`])
    expect([source, (await asked()).at(-1)]).toEqual(['shop\n', '--source='])
    await answer(['words', ...HOSTILE.map(word => `${word}\tits meaning`)])
  })
})

describe('zsh', () => {
  it('inserts a name quoted, and runs nothing of it', async () => {
    // All at once: each start of an interactive zsh takes seconds.
    const name = HOSTILE.join(' ')
    await answer(['words', `${name}\tits meaning`])
    // A widget of its own completes the line, prints it and leaves.
    const script = `
        zmodload zsh/zpty
        zpty z 'cd ${folder}; zsh -f -i'
        zpty -w z 'PS1=; autoload -Uz compinit && compinit -u -D; . ./zsh; complete-and-tell() { zle complete-word; print -r -- "$BUFFER" > line; exit }; zle -N complete-and-tell; bindkey "^I" complete-and-tell; : > ready'
        repeat 200 { [[ -e ready ]] && break; sleep 0.1 }
        zpty -w -n z $'telegram-backup show la\\t'
        repeat 100 { [[ -s line ]] && break; sleep 0.1 }
        zpty -d z`
    await shell('zsh', ['-f', '-c', script])
    const line = (await readFile(join(folder, 'line'), 'utf8')).trimEnd()
    const words = await shell('zsh', ['-f', '-c', `printf '%s\\n' ${line.replace('telegram-backup', '')}`])
    expect(words.split('\n').slice(0, -1)).toEqual(['show', name])
    expect(await asked()).toEqual(['__complete', '--', 'show', 'la'])
    await answer(['words', ...HOSTILE.map(word => `${word}\tits meaning`)])
  })
})

describe('fish', () => {
  it('offers each name with its meaning, and runs nothing of it', async () => {
    const offered = await shell('fish', [
      '--no-config',
      '-c',
      "source ./fish; complete -C 'telegram-backup show la'",
    ])
    expect(offered.split('\n').slice(0, -1).sort()).toEqual(
      HOSTILE.map(name => `${name}\tits meaning`).sort(),
    )
    expect(await asked()).toEqual(['__complete', '--', 'show', 'la'])
    await shell('fish', ['--no-config', '-c', "source ./fish; complete -C 'telegram-backup show '"])
    expect(await asked()).toEqual(['__complete', '--', 'show', ''])
  })
})
