import type { Command } from 'commander'
import { registerAlerts } from '#commands/alerts-command.ts'
import { registerApikey } from '#commands/apikey-command.ts'
import { registerAudit } from '#commands/audit-command.ts'
import { registerBucket } from '#commands/bucket-command.ts'
import { registerCard } from '#commands/card-command.ts'
import type { RegisterCommand, RunAction } from '#commands/command.ts'
import { registerCompletion } from '#commands/completion-command.ts'
import { registerConfig } from '#commands/config-command.ts'
import { registerDemo } from '#commands/demo-command.ts'
import { registerDiff } from '#commands/diff-command.ts'
import { registerDoctor } from '#commands/doctor-command.ts'
import { registerDoorkey } from '#commands/doorkey-command.ts'
import { registerEmulator } from '#commands/emulator-command.ts'
import { registerErase } from '#commands/erase-command.ts'
import { registerEvidence } from '#commands/evidence-command.ts'
import { registerExpire } from '#commands/expire-command.ts'
import { registerFetch } from '#commands/fetch-command.ts'
import { registerFind } from '#commands/find-command.ts'
import { registerInit } from '#commands/init-command.ts'
import { registerJobs } from '#commands/jobs-command.ts'
import { registerKeygen } from '#commands/keygen-command.ts'
import { registerList } from '#commands/list-command.ts'
import { registerLs } from '#commands/ls-command.ts'
import { registerMan } from '#commands/man-command.ts'
import { registerNotifyTest } from '#commands/notify-test-command.ts'
import { registerPins } from '#commands/pin-command.ts'
import { registerReconcile } from '#commands/reconcile-command.ts'
import { registerRecover } from '#commands/recover-command.ts'
import { registerRestore } from '#commands/restore-command.ts'
import { registerRetention } from '#commands/retention-command.ts'
import { registerRotate } from '#commands/rotate-command.ts'
import { registerSchedule } from '#commands/schedule-command.ts'
import { registerSend } from '#commands/send-command.ts'
import { registerServe } from '#commands/serve-command.ts'
import { registerShow } from '#commands/show-command.ts'
import { registerStats } from '#commands/stats-command.ts'
import { registerStatus } from '#commands/status-command.ts'
import { registerTag } from '#commands/tag-command.ts'
import { registerUser } from '#commands/user-command.ts'
import { registerVerify } from '#commands/verify-command.ts'

/** What the overview says about a command, in one line of 80 columns; its own help says the rest. */
type Entry = readonly [register: RegisterCommand, summary: string]

/** By heading and name, in the order of the overview. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  'Set up:': {
    init: [registerInit, 'set this machine up, and send a first backup'],
    doctor: [registerDoctor, 'check everything; say how to fix each problem'],
    config: [registerConfig, 'check telegram-backup.yaml, or print its schema'],
    keygen: [registerKeygen, 'create a key pair for encryption'],
    card: [registerCard, 'print the recovery card'],
  },
  'Back up:': {
    send: [registerSend, 'make a backup now'],
    schedule: [registerSchedule, 'set when a source is backed up'],
    verify: [registerVerify, 'check backups, also by a trial restore'],
  },
  'Look:': {
    status: [registerStatus, 'say whether everything can be restored now'],
    list: [registerList, 'list the backups'],
    show: [registerShow, 'show one backup: properties, messages, history'],
    stats: [registerStats, 'count the backups and their sizes'],
    ls: [registerLs, 'list the files of a directory backup'],
    find: [registerFind, 'find files in all directory backups'],
    diff: [registerDiff, 'compare the files of two directory backups'],
    evidence: [registerEvidence, 'proofs of drills: list, export, verify, review'],
  },
  'Bring back:': {
    restore: [registerRestore, 'restore a database, a directory, or a part'],
    fetch: [registerFetch, 'fetch a backup as a file, or one file of it'],
    recover: [registerRecover, 'rebuild a lost catalog from the chat'],
  },
  'Keep in order:': {
    retention: [registerRetention, 'set which backups are kept'],
    expire: [registerExpire, 'erase the backups that no rule keeps'],
    erase: [registerErase, 'erase one backup'],
    pin: [registerPins, 'keep a backup for ever'],
    unpin: [registerPins, 'let the rules decide about a pinned backup again'],
    tag: [registerTag, 'give a backup tags, or remove them'],
    reconcile: [registerReconcile, 'clean up after a crash; repair chat and catalog'],
    rotate: [registerRotate, 'replace the bot token, a public or signing key'],
  },
  'Run as a service:': {
    serve: [registerServe, 'run the page, the HTTP API, schedules and jobs'],
    jobs: [registerJobs, 'list, show and cancel the jobs of the service'],
    alerts: [registerAlerts, 'list the problems that there are; mute notices'],
    user: [registerUser, 'add, list and remove the people of the page'],
    apikey: [registerApikey, 'create, list and revoke keys of the HTTP API'],
    bucket: [registerBucket, 'make and look after buckets, for restic'],
    doorkey: [registerDoorkey, 'create, list and revoke keys of buckets'],
    audit: [registerAudit, 'list who did what, and when'],
    'notify-test': [registerNotifyTest, 'send a test message to each notified receiver'],
  },
  'Try it, and help:': {
    demo: [registerDemo, 'back up and restore a sample database'],
    emulator: [registerEmulator, 'run a local Bot API server, to try the commands'],
    completion: [registerCompletion, 'print the completion script of a shell'],
    man: [registerMan, 'write the manual pages into a folder'],
  },
}

const HELP_GROUP = 'Try it, and help:'

export const COMMAND_NAMES: ReadonlySet<string> = new Set(Object.values(GROUPS).flatMap(Object.keys))

/** Adds the commands of these names, in the order of the overview. */
export function registerCommands(program: Command, run: RunAction, wanted: ReadonlySet<string>): void {
  const entries = Object.values(GROUPS).flatMap(group => Object.entries(group))
  const registers = entries.flatMap(([name, [register]]) => (wanted.has(name) ? [register] : []))
  // pin and unpin are added by one function.
  for (const register of new Set(registers)) register(program, run)
  for (const [heading, group] of Object.entries(GROUPS)) {
    for (const command of program.commands) {
      const [, summary] = Object.hasOwn(group, command.name()) ? (group[command.name()] ?? []) : []
      if (summary !== undefined) command.summary(summary).helpGroup(heading)
    }
  }
  pointToHelp(program)
  program.commandsGroup(HELP_GROUP).helpCommand('help [command]', 'show the help of a command')
}

/** After a mistake in the arguments, says where the right ones are. */
function pointToHelp(command: Command, name: string = command.name()): void {
  command.showHelpAfterError(`hint: ${name} --help explains it, and has examples.`)
  for (const below of command.commands) pointToHelp(below, `${name} ${below.name()}`)
}
