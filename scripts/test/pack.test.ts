import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unpackPackages } from '@telegram-backup/test-support/packed-packages.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
let folder: string

beforeAll(() => {
  folder = unpackPackages()
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function node(...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
}

it('packs JavaScript and types, and no TypeScript source or test', () => {
  const files = readdirSync(join(folder, 'node_modules'), { recursive: true, encoding: 'utf8' })
  expect(files.filter(file => file.endsWith('.js')).length).toBeGreaterThan(50)
  expect(files.filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([])
  expect(files.filter(file => /__tests__|\.test\./.test(file))).toEqual([])
})

it('the packed packages import, with the names of the contract', () => {
  writeFileSync(
    join(folder, 'use.js'),
    `import * as backups from '@telegram-backup/api-gateway/backups'
     import * as bot from 'telegram-deployment-bot'
     import * as database from '@telegram-backup/database'
     import * as archive from '@telegram-backup/archive'
     import * as emulator from '@telegram-backup/bot-api-emulator'
     console.log(JSON.stringify([backups, bot, database, archive, emulator].map(names => Object.keys(names))))`,
  )
  const [backups, bot, database] = JSON.parse(node('use.js')) as string[][]
  expect(backups).toEqual(
    expect.arrayContaining([
      'BackupTelegramIntegration',
      'createBackupTelegramIntegration',
      'BackupError',
      'createBackup',
      'queryByProject',
      'getBackupById',
      'updateBackup',
      'deleteBackup',
      'queryByTypeAndDateRange',
      'getBackupStats',
      'deleteExpiredBackups',
    ]),
  )
  expect(bot).toEqual(expect.arrayContaining(['BackupService', 'createTelegramClient']))
  expect(database).toEqual(expect.arrayContaining(['openDatabase', 'migrate']))
})

it('types of the packed packages resolve for a TypeScript program', () => {
  writeFileSync(
    join(folder, 'use.ts'),
    `import { BackupTelegramIntegration, type IntegratedBackupResult } from '@telegram-backup/api-gateway/backups'
     import { BackupService, createTelegramClient } from 'telegram-deployment-bot'
     const service = new BackupService({ telegramClient: createTelegramClient({ token: 'x' }) })
     const integration = new BackupTelegramIntegration(service)
     export const result: Promise<IntegratedBackupResult> = integration.sendAndRecord({ projectId: 'p', type: 'logs', file: 'x' })
     // @ts-expect-error an unknown type is refused at compile time
     export const wrong = integration.sendAndRecord({ projectId: 'p', type: 'photos', file: 'x' })`,
  )
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc6')
  const flags = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
  ]
  const { stdout } = spawnSync(process.execPath, [tsc, ...flags, 'use.ts'], { cwd: folder, encoding: 'utf8' })
  expect(stdout).toBe('')
})
