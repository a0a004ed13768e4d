import { plural } from '#words/plural.ts'

/** What the first sentence is made of. Sources are named as people call them. */
export interface SentenceFacts {
  total: number
  /** Cannot be restored: there is no good backup, or a restored copy differed. */
  lost: string[]
  /** Without a good backup within the limit. */
  late: string[]
  /** Need a look. */
  uneasy: string[]
  /** How many there are, and the names of those that need a look. */
  buckets: number
  uneasyBuckets: string[]
  /** While the chat is away nothing can be restored. */
  isChatAway: boolean
  /** What concerns no single source, as sentences without a full stop. */
  reasons: string[]
  /** Never proven; of those that can be restored. */
  unproven: string[]
  /** The source whose last proof is the oldest. */
  oldest: { name: string; ago: string } | undefined
}

const jobs = (count: number): string => `${count} ${plural('en', count, { one: 'job', other: 'jobs' })}`

export const overview = {
  /** In English the sentence comes from the server. */
  sentence: undefined as ((facts: SentenceFacts) => string) | undefined,
  asOf: (time: string) => `As of ${time}`,
  upToDate: (time: string) => `Up to date. Last change: ${time}`,
  stale: 'The connection is interrupted',
  staleText: (time: string) =>
    `This is what was known at ${time}. The page goes on by itself when the server answers again.`,
  states: { ok: 'Good', attention: 'Needs a look', broken: 'Broken' },
  byHand: 'Sent by hand',
  byHandName: (project: string, type: string) => `${project}/${type} (by hand)`,
  sources: 'Sources',
  state: 'State',
  source: 'Source',
  newest: 'Newest good backup',
  none: 'None',
  limit: (span: string) => `limit ${span}`,
  noLimit: 'no limit',
  allBackups: 'All its backups',
  next: 'Next run',
  notScheduled: 'Not scheduled',
  due: 'Due now',
  proof: 'Last proof',
  depths: {
    none: 'Not proven yet',
    messages: 'Messages are in the chat',
    bytes: 'Every byte is as sent',
    restored: 'Restored in a drill',
    counts: 'Restored, counts equal',
    dump: 'Restored, equal to the dump',
    contents: 'Restored, contents equal',
  },
  proofFailed: 'Failed',
  toDrill: 'See the drill',
  restoreTime: 'Time to restore',
  notMeasured: 'Not measured yet',
  notMeasuredHint: 'A drill measures it',
  size: 'Size',
  acts: 'Acts',
  backUpNow: 'Back up now',
  backupBegun: (name: string) => `A backup of ${name} was requested. The running jobs are below.`,
  noServe: 'No running serve knows this source, so it cannot be backed up from here.',
  restore: 'Restore',
  verify: 'Verify',
  verifyHint: 'Reads every byte of the newest good backup',
  verifyBegun: (name: string) => `A verification of ${name} was requested: it reads every byte.`,
  noSources: 'No source is set up yet',
  noSourcesText:
    'Write a source into telegram-backup.yaml on the server. A running serve reads the file within seconds:',
  noSourcesNext: 'Then it stands here, and can be backed up with one button.',
  noSourcesBound: 'Your project has no source and no backup yet. An administrator can set one up.',
  running: 'Running jobs',
  noneRunning: 'No job is running.',
  lastDay: 'The last 24 hours',
  noJobs: 'No job in the last 24 hours.',
  lastDaySentence: (of: { done: number; failed: number; cancelled: number; open: number }) =>
    [
      `${jobs(of.done)} done`,
      `${of.failed} failed`,
      ...(of.cancelled === 0 ? [] : [`${of.cancelled} cancelled`]),
      ...(of.open === 0 ? [] : [`${of.open} not ended`]),
    ].join(', '),
  sinceOnly: (time: string) => `The newest jobs, since ${time}; the list of jobs has all.`,
  timeline: 'Jobs by the time of their start',
  allJobs: 'All jobs',
}
