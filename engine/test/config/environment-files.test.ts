import { execFileSync } from 'node:child_process'
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, describe, expect } from 'vitest'
import { fillEnvironment } from '#config/environment-files.ts'
import { changeEnvironmentFile, createEnvironmentFile } from '#config/write-environment.ts'

interface Places {
  folder: string
  named: string
  own: string
  system: string
  /** Fills an environment from the files above. */
  fill(typed?: Record<string, string>, named?: string): Promise<Record<string, string | undefined>>
}

const test = base.extend<Places>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest asks for a pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'test-environment-'))
    await mkdir(join(folder, 'state'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
  named: ({ folder }, use) => use(join(folder, 'named')),
  own: ({ folder }, use) => use(join(folder, 'state', 'environment')),
  system: ({ folder }, use) => use(join(folder, 'system')),
  fill: ({ folder, system }, use) =>
    use(async (typed = {}, named) => {
      const environment: Record<string, string | undefined> = {
        TELEGRAM_BACKUP_HOME: join(folder, 'state'),
        ...typed,
      }
      await fillEnvironment(environment, { named, systemFile: system })
      return environment
    }),
})

async function write(path: string, text: string, mode = 0o600): Promise<void> {
  await writeFile(path, text)
  await chmod(path, mode)
}

describe('settings from environment files', () => {
  test('what was typed counts most, then the named file, then the state folder, then the machine', async ({
    fill,
    named,
    own,
    system,
  }) => {
    await write(system, 'A=system\nB=system\nC=system\nD=system\n')
    await write(own, 'A=own\nB=own\nC=own\n')
    await write(named, 'A=named\nB=named\n')
    expect(await fill({ A: 'typed' }, named)).toMatchObject({ A: 'typed', B: 'named', C: 'own', D: 'system' })
    expect(await fill({ A: '' })).toMatchObject({ A: 'own', B: 'own', C: 'own', D: 'system' })
    expect(await fill({ TELEGRAM_BACKUP_ENV_FILE: named })).toMatchObject({ A: 'named' })
    expect(await fill({ TELEGRAM_BACKUP_ENV_FILE: 'off' })).not.toHaveProperty('A')
  })

  test('a stored secret never replaces the file of a secret that was typed, nor the other way round', async ({
    fill,
    own,
    system,
  }) => {
    await write(own, 'T=stored\nP_FILE=/stored\n')
    await write(system, 'T_FILE=/system\nP=system\n')
    const filled = await fill({ T_FILE: '/typed' })
    expect(filled).toMatchObject({ T_FILE: '/typed', P_FILE: '/stored' })
    expect(filled['T'] ?? filled['P']).toBeUndefined()
  })

  test('the file of the machine may choose the state folder, the file in it may not', async ({
    folder,
    own,
    system,
  }) => {
    await write(system, `TELEGRAM_BACKUP_HOME=${join(folder, 'state')}\n`)
    await write(own, 'A=own\n')
    const environment: Record<string, string | undefined> = {}
    const { origins, files } = await fillEnvironment(environment, { systemFile: system })
    expect(environment).toEqual({ TELEGRAM_BACKUP_HOME: join(folder, 'state'), A: 'own' })
    expect(Object.fromEntries(origins)).toEqual({ TELEGRAM_BACKUP_HOME: system, A: own })
    expect(files).toEqual([own, system])
    await write(own, 'A=own\nTELEGRAM_BACKUP_HOME=/elsewhere\n')
    await expect(fillEnvironment({}, { systemFile: system })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('line 2'),
    })
  })

  test.for([
    ['that others may write', 0o622, 'can be written by other users'],
    ['that a group may write', 0o660, 'can be written by other users'],
    ['that others may read', 0o604, 'other users can read it'],
  ] as const)('a file %s is refused', async ([, mode, words], { fill, own }) => {
    await write(own, 'TELEGRAM_BOT_TOKEN=1:secret\n', mode)
    const refusal = fill()
    await expect(refusal).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining(words),
      hint: expect.stringContaining(`chmod`),
    })
    await expect(refusal).rejects.not.toThrow('secret')
  })

  test('a file of root may be readable to the group of the service', async ({ fill, own }) => {
    await write(own, 'A=1\n', 0o640)
    if (process.getuid?.() === 0) expect(await fill()).toMatchObject({ A: '1' })
    else await expect(fill()).rejects.toThrow('other users can read it')
  })

  test('folders, pipes, devices, large files and bytes that are no text are refused, and nothing waits', async ({
    fill,
    folder,
    own,
    named,
  }) => {
    execFileSync('bash', ['-c', 'mkfifo "$0"', named])
    await expect(fill({}, named)).rejects.toThrow('is not a file')
    await expect(fill({}, '/dev/null')).rejects.toThrow('is not a file')
    await expect(fill({}, folder)).rejects.toThrow('is not a file')
    await expect(fill({}, join(folder, 'none'))).rejects.toThrow('does not exist')
    await write(own, `A=${'x'.repeat(300_000)}\n`)
    await expect(fill()).rejects.toThrow('larger than 256 KiB')
    for (const bytes of [Buffer.from('A=1\0\n'), Buffer.from([0x41, 0x3d, 0xff])]) {
      await writeFile(own, bytes)
      await expect(fill()).rejects.toThrow('is not text')
    }
  })

  test.runIf(process.getuid?.() === 0)(
    'a file, a link or a folder of another user is refused',
    async ({ fill, folder, own, named }) => {
      await write(named, 'A=1\n')
      execFileSync('chown', ['65534', named])
      await expect(fill({}, named)).rejects.toThrow('belongs to another user (uid 65534)')
      execFileSync('chown', ['0', named])
      await symlink(named, own)
      expect(await fill()).toMatchObject({ A: '1' })
      execFileSync('chown', ['-h', '65534', own])
      await expect(fill()).rejects.toThrow('belongs to another user (uid 65534)')
      await rm(own)
      await link(named, own)
      await chmod(join(folder, 'state'), 0o777)
      await expect(fill()).rejects.toThrow('lies in a folder that other users can write to')
    },
  )
})

describe('writing environment files', () => {
  test('a new file is for its owner alone, and one that exists is never replaced', async ({ fill, own }) => {
    await createEnvironmentFile(own, { A: 'it’s "1"', B: 'x' }, ['Settings.'])
    expect((await stat(own)).mode & 0o777).toBe(0o600)
    expect(await fill()).toMatchObject({ A: 'it’s "1"', B: 'x' })
    await expect(createEnvironmentFile(own, { A: '2' })).rejects.toThrow('already exists')
    expect(await readFile(own, 'utf8')).toBe('# Settings.\nA="it’s \\"1\\""\nB=x\n')
    expect(await readdir(join(own, '..'))).toEqual(['environment'])
  })

  test('a change keeps mode, comments and links, and leaves nothing beside the file', async ({
    folder,
    own,
    named,
  }) => {
    await write(named, '# mine\nA=1\nB=2\n', 0o400)
    await symlink(named, own)
    await changeEnvironmentFile(own, { A: 'new', B: undefined, C: '3' })
    expect(await readFile(named, 'utf8')).toBe('# mine\nA=new\nC=3\n')
    expect((await stat(named)).mode & 0o777).toBe(0o400)
    expect(await readdir(folder)).toEqual(['named', 'state'])
    expect(await readdir(join(own, '..'))).toEqual(['environment'])
    await expect(changeEnvironmentFile(join(folder, 'none'), {})).rejects.toThrow('does not exist')
  })
})
