import type { JobLogLine } from '@telegram-backup/database'

/**
 * What a line in the log of a job is about. A backup goes through the first six; `before` and `after` are the
 * hooks of its source.
 */
export const JOB_STAGES = [
  'prepare',
  'before',
  'read',
  'send',
  'record',
  'after',
  'fetch',
  'restore',
  'compare',
  'verify',
  'erase',
  'expire',
] as const

export type JobStage = (typeof JOB_STAGES)[number]

/** A line for people. It holds no secret, and no place that the error of the job would not name. */
export type StageLine = Pick<JobLogLine, 'stage' | 'level' | 'text'>

/** Writes a line into the log of a job; the level is `info` unless given. */
export type TellStage = (stage: JobStage, text: string, level?: JobLogLine['level']) => void

/** A note of an operation as a line; `warning: …` is a warning. */
export function noteLine(note: string): Pick<StageLine, 'level' | 'text'> {
  const text = note.replace(/^(warning|note): /, '')
  return { level: note.startsWith('warning: ') ? 'warn' : 'info', text }
}
