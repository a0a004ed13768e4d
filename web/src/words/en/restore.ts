import { plural } from '#words/plural.ts'

const parts = (count: number): string =>
  `${count} ${plural('en', count, { one: 'message', other: 'messages' })}`

export const restore = {
  title: (name: string) => `Restore ${name}`,
  made: (time: string, size: string) => `Made ${time}, ${size}`,
  steps: 'Steps of the restore',
  step: (number: number, of: number, name: string) => `Step ${number} of ${of}: ${name}`,
  names: {
    target: 'Where to',
    plan: 'What will happen',
    confirm: 'Confirm',
    started: 'Under way',
  },
  back: 'Back',
  next: 'Continue',
  toBackup: 'Back to the backup',
  notWhole: 'This backup cannot be restored',
  notWholeHint: (state: string) => `Only a complete backup can be restored. This one is: ${state}.`,
  damaged: 'It was found damaged. The restore will stop at the damaged part, and the target stays as it was.',
  target: {
    choose: 'Target of the restore',
    intro:
      'Targets are named in telegram-backup.yaml on the server. Nothing is changed before the last step.',
    none: 'The server has no target',
    noneFits: 'None of these targets fits this backup',
    elsewhere: 'Somewhere else, or the server of the target is lost?',
    write: 'Write a target into telegram-backup.yaml on the server that runs serve, such as:',
    writeLabel: 'a target for telegram-backup.yaml',
    complete:
      'Put the user and the host of a PostgreSQL server in their places. The database need not exist: the restore makes it. The target appears here within five seconds; if it does not, this says why:',
    lookAgain: 'Look again',
    noTargetTakesFiles: 'No target takes a single file.',
    completeFolder:
      'Write the absolute path of a new folder. The target appears here within five seconds; if it does not, this says why:',
    byCommand: {
      database: 'Or use the command line, on any machine that has the key and reaches the server:',
      directory:
        'Restore this backup into a new directory with the command line, on any machine that has the key; or download its tar file:',
      file: 'This backup is one file. Download it, or fetch it with the command line, on any machine that has the key:',
    },
    kind: (kind: string) => `Kind: ${kind}`,
    project: (project: string) => `Project: ${project}`,
    anyProject: 'All projects',
    otherKind: (backup: string, target: string) =>
      `Probably does not fit: the backup is of the kind ${backup}, the target ${target}.`,
    choice: 'Choose a target.',
  },
  part: {
    table: 'Only one table?',
    tableHint:
      'The command line restores one table into a database that exists, beside the table that is there. Nothing that the database holds is changed.',
    tableName: 'Schema and name of the table',
    more: 'Without --as, the table comes back under its own name, if the database lacks it. --schema restores a whole schema.',
    file: 'Only one file?',
    fileHint:
      'The command line restores single files and folders, and fetches only the messages that hold them.',
    path: 'File or folder in the backup',
    toDirectory: 'Into a new directory, with rights and times. *, ? and ** match names:',
    toFile: 'One file, as a file:',
    look: 'What the backup holds, and the download of each file:',
    files: 'the files of this backup',
  },
  unended: {
    running: (target: string) => `A restore of this backup into ${target} is running now.`,
    queued: (target: string) => `A restore of this backup into ${target} waits for its turn.`,
    job: 'Open its job',
  },
  plan: {
    looking: 'The server looks at the target. This changes nothing.',
    fetches: 'Fetches',
    fetched: (size: string, number: number) => `${size} in ${parts(number)} from the chat`,
    writes: 'Writes',
    takes: 'Takes',
    takesMeasured: (time: string, drill: string) => `about ${time}, measured by a drill of ${drill}`,
    takesAsSent: (time: string) => `not measured; sending it took ${time}. A drill measures it`,
    takesUnknown: 'unknown: no drill has measured it',
    target: 'Target',
    way: 'Way',
    noWay: 'The restore cannot begin; see below.',
    replaces: 'Replaces',
    replacesNothing: 'nothing: the target holds nothing',
    overwrite: 'Replace what the target holds',
    overwriteHint:
      'Without this, a target that is not empty stops the restore. The old contents go only after the last part was verified and loaded.',
    blocked: 'This would stop the restore',
    warnings: 'Good to know',
    clear: 'Nothing stands in the way.',
    lookAgain: 'Look again',
  },
  confirm: {
    sentence: (name: string, target: string) => `Backup ${name} goes into the target ${target}.`,
    replaces: (what: string) => `The target loses what it holds now: ${what}.`,
    type: 'Type the name of the target to confirm',
    typeHint: (target: string) => `Its name is ${target}`,
    wrong: 'This is not the name of the target.',
    start: 'Start the restore',
    same: 'The same by other means',
    command: 'As a command',
    curl: 'With curl',
    curlHint: 'KEY is a key of the HTTP API with the scope restore.',
    copy: 'Copy',
    copied: 'Copied',
  },
  started: {
    goesOn: 'It goes on when you close this tab. Come back at any time: its job says how it went.',
    job: 'Open the job',
    queued: 'The restore waits for its turn.',
    running: 'The restore is running.',
    done: 'The restore is done.',
    holds: (target: string) => `${target} holds the backup.`,
    holdsTables: (target: string, tables: string, rows: string) =>
      `${target} holds the backup: ${tables} with ${rows}, as they were counted when it was made.`,
    tables: (count: number) => plural('en', count, { one: 'table', other: 'tables' }),
    rows: (count: number) => plural('en', count, { one: 'row', other: 'rows' }),
    failed: 'The restore failed. The target is as it was before.',
    interrupted: 'The restore broke off.',
    cancelled: 'The restore was cancelled. The target is as it was before.',
    progress: (done: string, total: string) => `${done} of ${total}`,
    another: 'Restore into another target',
  },
}
