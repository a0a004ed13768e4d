import { userInfo } from 'node:os'

export interface UnitFacts {
  /** What starts the program: absolute paths. */
  command: readonly string[]
  environmentFile: string
  stateFolder: string
  /** The user that runs the service; root reads every source. */
  user: string
  home: string
  isRoot: boolean
}

/** The facts of the user that runs this process. */
export function ownUnitFacts(of: Pick<UnitFacts, 'command' | 'environmentFile' | 'stateFolder'>): UnitFacts {
  const { username, homedir, uid } = userInfo()
  return { ...of, user: username, home: homedir, isRoot: uid === 0 }
}

/**
 * Capabilities of root that the service uses: it reads every file, gives the files of its embedded server to
 * the user of that server, and starts and stops it.
 */
const ROOTS_CAPABILITIES = [
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_CHOWN',
  'CAP_FOWNER',
  'CAP_SETUID',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_KILL',
]

/** A systemd unit that keeps the service running. */
export function writeUnit(facts: UnitFacts): string {
  const { command, environmentFile, stateFolder, user, home, isRoot } = facts
  // systemd takes few characters in the path of the program itself, and any in an argument.
  const by = PLAIN.test(command[0] ?? '') ? [] : ['/usr/bin/env']
  const start = [...by, ...command, 'serve', '--env-file', environmentFile].map(inCommand).join(' ')
  const lines = [
    '# Schedules, jobs and HTTP API of telegram-backup. Written by its set-up.',
    '',
    '[Unit]',
    'Description=Backups into a Telegram chat: schedules, jobs, HTTP API',
    'Wants=network-online.target',
    'After=network-online.target postgresql.service',
    '# What is wrong now may be right tomorrow: it never gives up.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    `User=${literally(user)}`,
    `ExecStart=${start}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    `Environment=${quoted(`HOME=${home}`)} ${quoted(`TELEGRAM_BACKUP_HOME=${stateFolder}`)}`,
    'Restart=always',
    'RestartSec=5',
    '# Wrong configuration: a person has to mend it, so it fails where "systemctl --failed" shows it.',
    'RestartPreventExitStatus=2',
    '# The signal goes to the service alone, which then stops its embedded PostgreSQL.',
    'KillMode=mixed',
    '# Longer than running jobs get to finish.',
    'TimeoutStopSec=90',
    '',
    `CapabilityBoundingSet=${isRoot ? ROOTS_CAPABILITIES.join(' ') : ''}`,
    'NoNewPrivileges=yes',
    '# Sources are only read.',
    'ProtectSystem=full',
    ...HARDENING,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ]
  return lines.join('\n')
}

/** Nothing that the service, its PostgreSQL programs or tar do needs these. */
const HARDENING = [
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'SystemCallArchitectures=native',
  'UMask=0077',
]

const PLAIN = /^[A-Za-z0-9/._-]+$/

/** systemd reads % as the beginning of a specifier. */
function literally(text: string): string {
  return text.replaceAll('%', '%%')
}

/** One word for systemd, whatever is in it. */
function quoted(text: string): string {
  return `"${literally(text).replace(/["\\]/g, '\\$&')}"`
}

/** In a command line, systemd also fills in variables. */
function inCommand(word: string): string {
  return PLAIN.test(word) ? word : quoted(word).replaceAll('$', '$$$$')
}
