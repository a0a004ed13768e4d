import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SYSTEM_ENVIRONMENT_FILE } from '@telegram-backup/engine/config/environment-files.ts'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

// What can be known about the files in deploy/ without an engine for containers and without systemd: that
// they name only what exists here. What they say is checked against the program itself.

const ROOT = join(import.meta.dirname, '..', '..')
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8')

/** Variables that the program reads: its own, and those for which `NAME_FILE` may stand. */
const OWN_VARIABLES = new Set(
  ['telegram-service/src', 'connectors/src', 'engine/src', 'database/src', 'cli/src'].flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts') && !file.includes('__tests__'))
      .flatMap(file => [
        ...read(folder, file).matchAll(/(?:readVariable|readSetting|readWhole)\([^,()]+, '([A-Z_]+)'/g),
      ])
      .map(([, name]) => name as string),
  ),
)
/** Not of this program: of Node, of the C library, and of the example's own configuration file. */
const OTHER_VARIABLES = new Set(['NODE_ENV', 'HOME', 'XDG_CACHE_HOME', 'SHOP_PASSWORD'])

function isRead(name: string): boolean {
  return [name, name.replace(/_FILE$/, '')].some(
    known => OWN_VARIABLES.has(known) || OTHER_VARIABLES.has(known),
  )
}

const LAUNCHER = join(ROOT, 'cli', 'bin', 'telegram-backup.js')
const serveHelp = execFileSync(process.execPath, [LAUNCHER, 'serve', '--help'], { encoding: 'utf8' })

/** The words after a command that begin with two dashes. */
function optionsIn(words: readonly string[]): string[] {
  return words.filter(word => word.startsWith('--'))
}

it('knows the variables of the contract', () => {
  for (const name of [
    'TELEGRAM_BOT_TOKEN',
    'DATABASE_URL',
    'BACKUP_AGE_RECIPIENTS',
    'TELEGRAM_BACKUP_CONFIG',
  ])
    expect([...OWN_VARIABLES]).toContain(name)
})

describe('deploy/Containerfile', () => {
  const lines = read('deploy', 'Containerfile')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter(line => /^[A-Z]/.test(line))
  const instructions = (word: string): string[] =>
    lines.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length).trim())
  const copied = instructions('COPY')
    .filter(text => !text.startsWith('--from'))
    .flatMap(text => text.split(' ').slice(0, -1))

  it('copies only what is in the repository, and the ignore file lets it through', () => {
    const ignored = read('.containerignore').split('\n')
    expect(copied.length).toBeGreaterThan(10)
    for (const path of copied) {
      expect(existsSync(join(ROOT, path)), path).toBe(true)
      const [top = ''] = path.split('/')
      const isAllowed =
        ignored.includes(`!${top}`) || ignored.includes(`!${top.replace(/^tsconfig.*/, 'tsconfig*.json')}`)
      expect(isAllowed, `${path} in .containerignore`).toBe(true)
    }
  })

  it('has every workspace in both stages, so that a new one is not forgotten', () => {
    const { workspaces } = JSON.parse(read('package.json')) as { workspaces: string[] }
    for (const folder of workspaces)
      expect(copied).toEqual(expect.arrayContaining([folder, `${folder}/package.json`]))
  })

  it('takes what the packer makes, and stages that exist', () => {
    const stages = instructions('FROM').flatMap(text => / AS (\w+)$/.exec(text)?.[1] ?? [])
    const sources = instructions('COPY').flatMap(text => /^--from=(\w+)/.exec(text)?.[1] ?? [])
    expect(sources.toSorted()).toEqual(stages.toSorted())
    expect(read('scripts', 'pack.ts')).toContain("join(BUILD, 'stage', folder)")
  })

  it('runs as no root, tells its health, and sets only variables that are read', () => {
    const user = instructions('USER').at(-1) ?? ''
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    expect(instructions('HEALTHCHECK').join()).toContain('/healthz')
    const names = instructions('ENV').flatMap(text =>
      [...text.matchAll(/([A-Z_]+)=/g)].map(([, name]) => name as string),
    )
    expect(names.length).toBeGreaterThan(3)
    expect(names.filter(name => !isRead(name))).toEqual([])
  })

  it('starts serve with options that serve has', () => {
    const words = JSON.parse(instructions('CMD').at(-1) ?? '') as string[]
    expect(words[0]).toBe('serve')
    expect(optionsIn(words).length).toBeGreaterThan(0)
    for (const option of optionsIn(words)) expect(serveHelp).toContain(`${option} <`)
  })
})

interface Compose {
  services: Record<
    string,
    {
      image?: string
      environment?: Record<string, string>
      secrets?: string[]
      volumes?: string[]
      networks?: string[]
      user?: string
      read_only?: boolean
      cap_drop?: string[]
      stop_grace_period?: string
    }
  >
  secrets: Record<string, unknown>
  volumes: Record<string, unknown>
  networks: Record<string, unknown>
}

describe('deploy/compose.yaml', () => {
  const compose = parse(read('deploy', 'compose.yaml'), { merge: true }) as Compose
  const serves = Object.values(compose.services).filter(({ image }) => image === 'telegram-backup')

  it('runs serve twice on one catalog, each read-only and without capabilities', () => {
    expect(serves).toHaveLength(2)
    expect(new Set(serves.map(({ environment }) => environment?.['DATABASE_URL_FILE'])).size).toBe(1)
    for (const serve of serves) expect(serve).toMatchObject({ read_only: true, cap_drop: ['ALL'] })
  })

  it('gives serve only variables that it reads, and no secret but by file', () => {
    const variables = Object.entries(serves[0]?.environment ?? {})
    expect(variables.map(([name]) => name).filter(name => !isRead(name))).toEqual([])
    for (const [name, value] of variables) {
      if (/TOKEN|PASSWORD|DATABASE_URL|HASH/.test(name))
        expect([name, value]).toEqual([name, expect.stringMatching(/^\/run\/secrets\//)])
    }
  })

  it('names secrets, volumes and networks that it defines, and uses all of them', () => {
    const used = { secrets: new Set<string>(), volumes: new Set<string>(), networks: new Set<string>() }
    for (const { secrets = [], volumes = [], networks = [], environment = {} } of Object.values(
      compose.services,
    )) {
      for (const name of secrets) used.secrets.add(name)
      for (const name of networks) used.networks.add(name)
      for (const volume of volumes)
        if (!/^[./]/.test(volume)) used.volumes.add(volume.split(':')[0] as string)
      const files = Object.values(environment).filter(value => String(value).startsWith('/run/secrets/'))
      expect(files.map(file => file.slice('/run/secrets/'.length)).toSorted()).toEqual(secrets.toSorted())
    }
    for (const kind of ['secrets', 'volumes', 'networks'] as const)
      expect([...used[kind]].toSorted(), kind).toEqual(Object.keys(compose[kind]).toSorted())
  })

  it('has an example of the configuration file that the program accepts', () => {
    const config = join(ROOT, 'deploy', 'telegram-backup.yaml.example')
    const { stdout } = spawnSync(
      process.execPath,
      [LAUNCHER, 'send', '--source', 'none-of-that-name', '--json'],
      {
        env: { TELEGRAM_BACKUP_CONFIG: config, TELEGRAM_BOT_TOKEN: '1:x', TELEGRAM_CHAT_ID: '-1001' },
        encoding: 'utf8',
      },
    )
    // The whole file is read before a name is looked up in it.
    expect(JSON.parse(stdout)).toMatchObject({ error: expect.stringContaining('none-of-that-name') })
  })
})

describe.each(['telegram-backup.service', 'telegram-backup-send@.service'])('deploy/systemd/%s', unit => {
  const text = read('deploy', 'systemd', unit)
  const values = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value as string)

  it('sets only variables that are read, and takes the others from the file that every command reads', () => {
    const names = values('Environment').map(line => line.split('=')[0] as string)
    expect(names.length).toBeGreaterThan(2)
    expect(names.filter(name => !isRead(name))).toEqual([])
    expect(values('EnvironmentFile')).toEqual([SYSTEM_ENVIRONMENT_FILE])
  })

  it('starts the program that the packages install, with options that it has', () => {
    const commands = [...values('ExecStart'), ...values('ExecStartPost')].map(line =>
      line.replace(/^-/, '').split(' '),
    )
    for (const [node, program = '', command = '', ...rest] of commands) {
      expect(node).toBe('/usr/bin/node')
      const [, inPackage = ''] = /node_modules\/@telegram-backup\/(.+)$/.exec(program) ?? []
      expect(existsSync(join(ROOT, inPackage)), program).toBe(true)
      const help = execFileSync(process.execPath, [join(ROOT, inPackage), command, '--help'], {
        encoding: 'utf8',
      })
      for (const option of optionsIn(rest)) expect(help).toContain(option)
    }
  })
})

it('deploy/hooks holds scripts that sh can read, and that docs/hooks.md uses', () => {
  const names = readdirSync(join(ROOT, 'deploy', 'hooks'))
  expect(names).toHaveLength(3)
  for (const name of names) {
    const path = join(ROOT, 'deploy', 'hooks', name)
    expect(spawnSync('sh', ['-n', path], { encoding: 'utf8' }), name).toMatchObject({ status: 0, stderr: '' })
    expect(spawnSync('sh', [path, 'neither', 'a', 'b']).status, name).toBe(2)
    expect(read('docs', 'hooks.md')).toContain(`${name}, create, `)
  }
})
