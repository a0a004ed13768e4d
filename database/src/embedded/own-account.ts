import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** An entry of /etc/passwd. */
export interface Account {
  name: string
  uid: number
  gid: number
}

/**
 * The account of root's embedded server. No other program runs as this user, so none can reach into the
 * catalog. `postgres` would not do: roles of the machine's own PostgreSQL may run programs as that user.
 */
export const OWN_ACCOUNT = 'telegram-backup'

const USERADD = 'useradd'
/** Where distributions put it, whatever PATH says. */
const USERADD_FOLDERS = '/usr/sbin:/sbin:/usr/bin:/bin'

export function accounts(): Account[] {
  return readFileSync('/etc/passwd', 'utf8').split('\n').map(parseAccount)
}

/** The account; undefined when there is none, or it has root's id. */
export function accountNamed(name: string): Account | undefined {
  return accounts().find(account => account.name === name && account.uid > 0)
}

/**
 * Makes the account: a system account without password, shell and home. For root alone. Returns the account,
 * or why there is none. Several processes may call it at once.
 */
export function makeOwnAccount(): Account | string {
  const group = hasOwnGroup() ? ['--gid', OWN_ACCOUNT] : ['--user-group']
  const home = ['--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin']
  let complaint: string
  try {
    execFileSync(USERADD, ['--system', ...group, ...home, OWN_ACCOUNT], {
      env: { PATH: USERADD_FOLDERS, LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 30_000,
      encoding: 'utf8',
    })
    complaint = 'useradd made none'
  } catch (error) {
    // Another process may have been faster, so the account is looked up in any case.
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string }
    complaint = stderr?.trim().split('\n').at(-1) || `useradd: ${code ?? 'failed'}`
  }
  return accountNamed(OWN_ACCOUNT) ?? complaint
}

function hasOwnGroup(): boolean {
  return readFileSync('/etc/group', 'utf8')
    .split('\n')
    .some(line => line.startsWith(`${OWN_ACCOUNT}:`))
}

function parseAccount(line: string): Account {
  const [name = '', , uid = '', gid = ''] = line.split(':')
  return { name, uid: Number.parseInt(uid, 10), gid: Number.parseInt(gid, 10) }
}
