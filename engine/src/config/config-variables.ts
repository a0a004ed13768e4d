import { BackupError } from '@telegram-backup/errors'
import { type Environment, readSetting } from '#environment.ts'

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/**
 * Replaces `${NAME}` in every text by the variable, or by the contents of the file that `NAME_FILE` names. It
 * runs after YAML is parsed, so a value cannot add settings. In the user, password and parameters of a URL,
 * values are percent-encoded, so a password may hold any character. Throws `CONFIGURATION` for a variable
 * that is not set.
 */
export function expandVariables<Value>(value: Value, environment: Environment, owner: string): Value {
  if (typeof value === 'string') return expandText(value, environment, owner) as Value & string
  if (Array.isArray(value))
    return value.map(item => expandVariables(item, environment, owner)) as Value & unknown[]
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, expandVariables(item, environment, owner)])
  return Object.fromEntries(entries) as Value & object
}

function expandText(text: string, environment: Environment, owner: string): string {
  const isUrl = /^[a-z]+:\/\//.test(text)
  const userInfoEnd = isUrl ? text.lastIndexOf('@') : -1
  const queryStart = isUrl && text.includes('?') ? text.lastIndexOf('?') : text.length
  return text.replace(REFERENCE, (_, name: string, offset: number) => {
    const value = readSetting(environment, name)
    if (value === undefined) {
      throw new BackupError(`The variable ${name}, which ${owner} refers to, is not set`, {
        code: 'CONFIGURATION',
        hint: `Set ${name}, or ${name}_FILE to the path of a file that holds the value.`,
      })
    }
    return offset < userInfoEnd || offset > queryStart ? encodeURIComponent(value) : value
  })
}

/** The variables with the secrets of the vault, the catalog and the keys. */
const OWN_SECRET = /^(?:TELEGRAM_BOT_TOKEN|DATABASE_URL)(?:_FILE)?$|^BACKUP_/

/** The first variable in the text that is a secret of this program. */
export function ownSecretIn(text: string): string | undefined {
  return variablesIn(text).find(name => OWN_SECRET.test(name))
}

export function holdsVariable(text: string): boolean {
  return text.search(REFERENCE) !== -1
}

/** The names of the variables in the text. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map(([, name = '']) => name)
}

const PASSWORD_IN_URL = /^[a-z]+:\/\/[^@]*:([^@]+)@|[?&](?:ssl)?password=([^&]+)/

/** Whether any URL in the value contains a password as text. */
export function holdsPassword(value: unknown): boolean {
  if (typeof value === 'string') {
    const [, inUser, inQuery] = PASSWORD_IN_URL.exec(value) ?? []
    const password = inUser ?? inQuery
    return password !== undefined && password.replace(REFERENCE, '') !== ''
  }
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsPassword)
}
