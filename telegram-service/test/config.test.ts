import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Environment, readTelegramConfig, readVariable, type TelegramError } from '#index.ts'

const HOME = { TELEGRAM_BACKUP_HOME: '/home/someone/state' }

function errorOf(environment: Environment): TelegramError {
  try {
    readTelegramConfig(environment)
  } catch (error) {
    return error as TelegramError
  }
  throw new Error('it was accepted')
}

async function secretFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'telegram-config-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'secret'), text)
  return join(folder, 'secret')
}

describe('the configuration', () => {
  test('without any variable has defaults, and nothing that would send in clear', () => {
    expect(readTelegramConfig(HOME)).toEqual({
      token: undefined,
      chatId: undefined,
      replicaChatId: undefined,
      apiRoot: undefined,
      partSizeBytes: undefined,
      messagesPerMinute: undefined,
      encryption: undefined,
      identityFile: undefined,
      signingKeyFile: '/home/someone/state/signing-key.pem',
      stateFolder: '/home/someone/state',
    })
    expect(readTelegramConfig({}).stateFolder).toMatch(/telegram-backup$/)
  })

  test('takes every variable, spaces around it left away', () => {
    const environment = {
      ...HOME,
      TELEGRAM_BOT_TOKEN: ' 123:abc\n',
      TELEGRAM_CHAT_ID: '-1001',
      TELEGRAM_REPLICA_CHAT_ID: '-1002',
      TELEGRAM_API_ROOT: 'http://127.0.0.1:8081',
      TELEGRAM_PART_SIZE: '1000000',
      TELEGRAM_MESSAGES_PER_MINUTE: '0',
      BACKUP_AGE_RECIPIENTS: 'age1a, age1b,,',
      BACKUP_AGE_IDENTITY_FILE: '/keys/age.txt',
      BACKUP_SIGNING_KEY_FILE: '/keys/sign.pem',
    }
    expect(readTelegramConfig(environment)).toEqual({
      token: '123:abc',
      chatId: '-1001',
      replicaChatId: '-1002',
      apiRoot: 'http://127.0.0.1:8081',
      partSizeBytes: 1_000_000,
      messagesPerMinute: 0,
      encryption: { recipients: ['age1a', 'age1b'] },
      identityFile: '/keys/age.txt',
      signingKeyFile: '/keys/sign.pem',
      stateFolder: '/home/someone/state',
    })
  })

  test('takes an empty variable for an unset one', () => {
    const names = [
      'TELEGRAM_BOT_TOKEN',
      'TELEGRAM_CHAT_ID',
      'TELEGRAM_API_ROOT',
      'TELEGRAM_PART_SIZE',
      'TELEGRAM_MESSAGES_PER_MINUTE',
      'BACKUP_AGE_RECIPIENTS',
      'BACKUP_ENCRYPTION',
      'BACKUP_AGE_IDENTITY_FILE',
      'BACKUP_SIGNING_KEY_FILE',
      'TELEGRAM_BOT_TOKEN_FILE',
    ]
    for (const empty of ['', '  ']) {
      const environment = Object.fromEntries(names.map(name => [name, empty]))
      expect(readTelegramConfig({ ...environment, ...HOME })).toEqual(readTelegramConfig(HOME))
    }
  })

  test.each(['TELEGRAM_PART_SIZE', 'TELEGRAM_MESSAGES_PER_MINUTE'])(
    'names %s when it is no whole number',
    name => {
      for (const value of ['twenty', '-1', '1.5', '1e3', '0x10', '1 000', '9'.repeat(13), 'NaN', '∞']) {
        const error = errorOf({ ...HOME, [name]: value })
        expect(error).toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining(name) })
      }
    },
  )
})

describe('encryption', () => {
  test('is off only by name', () => {
    expect(readTelegramConfig({ ...HOME, BACKUP_ENCRYPTION: 'off' }).encryption).toBe('off')
    for (const value of ['OFF', 'false', '0', 'no', 'none', 'disabled']) {
      const error = errorOf({ ...HOME, BACKUP_ENCRYPTION: value })
      expect(error).toMatchObject({
        code: 'CONFIGURATION',
        message: expect.stringContaining('BACKUP_ENCRYPTION'),
      })
    }
  })

  test('that is on needs a key all the same', () => {
    expect(readTelegramConfig({ ...HOME, BACKUP_ENCRYPTION: 'on' }).encryption).toBeUndefined()
    expect(readTelegramConfig({ ...HOME, BACKUP_AGE_RECIPIENTS: ' , ' }).encryption).toBeUndefined()
  })
})

describe('a secret', () => {
  test('may come from a file, without its last line break', async () => {
    const TELEGRAM_BOT_TOKEN_FILE = await secretFile('123:abc\n')
    expect(readTelegramConfig({ ...HOME, TELEGRAM_BOT_TOKEN_FILE }).token).toBe('123:abc')
  })

  test('in its own variable comes before one in a file', () => {
    const environment = { ...HOME, TELEGRAM_BOT_TOKEN: '123:abc', TELEGRAM_BOT_TOKEN_FILE: '/does/not/exist' }
    expect(readTelegramConfig(environment).token).toBe('123:abc')
  })

  test('in an empty file is none', async () => {
    const TELEGRAM_BOT_TOKEN_FILE = await secretFile('\n')
    expect(readTelegramConfig({ ...HOME, TELEGRAM_BOT_TOKEN_FILE }).token).toBeUndefined()
  })

  test('in a file that cannot be read is an error that names the variable', () => {
    const error = errorOf({ ...HOME, TELEGRAM_BOT_TOKEN_FILE: '/does/not/exist' })
    expect(error).toMatchObject({
      code: 'CONFIGURATION',
      message: 'TELEGRAM_BOT_TOKEN_FILE names a file that cannot be read (ENOENT)',
    })
  })

  test('is not a property that every object has', () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype)) {
      expect(readVariable({}, name, 'secret')).toBeUndefined()
      expect(readVariable(process.env, name, 'secret')).toBeUndefined()
    }
  })

  test('is what only secrets are: a plain variable is not looked for in files', async () => {
    const file = await secretFile('value')
    expect(readVariable({ NAME_FILE: file }, 'NAME')).toBeUndefined()
    expect(readVariable({ NAME_FILE: file }, 'NAME', 'secret')).toBe('value')
  })
})
