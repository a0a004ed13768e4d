import type { Job } from '#api/generated/types.gen.ts'
import type { LogLine } from '#screens/job/job-log.ts'

/** What one stage of one attempt of a job reported. */
export interface Stage {
  key: string
  name: string
  attempt: number
  lines: readonly LogLine[]
  state: 'done' | 'running' | 'failed' | 'stopped'
  /** Times in ms; `end` is undefined while the stage runs. */
  start: number
  end: number | undefined
}

type Open = Omit<Stage, 'state' | 'lines' | 'end'> & { lines: LogLine[]; end: number }

/** The engine begins each further attempt with such a line. */
const NEXT_ATTEMPT = /^Attempt (\d+)$/

/** The lines by attempt and stage, in the order in which the stages began, with how long each took. */
export function stagesOf(lines: readonly LogLine[], job: Pick<Job, 'kind' | 'state' | 'progress'>): Stage[] {
  const attempts: Open[][] = []
  let attempt = 1
  let stages: Open[] | undefined
  for (const line of lines) {
    const next = line.stage === 'prepare' ? NEXT_ATTEMPT.exec(line.text)?.[1] : undefined
    if (next !== undefined || stages === undefined) {
      attempt = Number(next ?? attempt)
      stages = []
      attempts.push(stages)
    }
    addLine(stages, line, attempt)
  }
  if (job.state === 'running') addSending(attempts.at(-1), job)
  return attempts.flatMap((one, index) => {
    if (job.kind === 'drill') endWithNext(one)
    return finish(one, index === attempts.length - 1 ? job.state : 'failed')
  })
}

/**
 * Most stages report at their end: a stage with one line took from the end of the one before until then. What
 * goes on at the same time, as fetching and restoring, begins with its own first line.
 */
function addLine(stages: Open[], line: LogLine, attempt: number): void {
  const at = Date.parse(line.at)
  let stage = stages.find(({ name }) => name === line.stage)
  if (stage === undefined) {
    const start = Math.min(at, stages.at(-1)?.end ?? at)
    stage = { key: `${attempt} ${line.stage}`, name: line.stage, attempt, lines: [], start, end: at }
    stages.push(stage)
  }
  stage.lines.push(line)
  stage.end = Math.max(stage.end, at)
}

/** Sending has no line before its end, but bytes move. */
function addSending(stages: Open[] | undefined, { kind, progress }: Pick<Job, 'kind' | 'progress'>): void {
  const last = stages?.at(-1)
  if (kind !== 'backup' || last?.name !== 'read' || progress.bytes_done === 0) return
  const { attempt, end } = last
  stages?.push({ key: `${attempt} send`, name: 'send', attempt, lines: [], start: end, end })
}

/** The stages of a drill report at their beginning. */
function endWithNext(stages: readonly Open[]): void {
  for (const [index, stage] of stages.entries()) {
    const next = stages[index + 1]?.lines[0]
    if (next !== undefined) stage.end = Math.max(stage.end, Date.parse(next.at))
  }
  for (const stage of stages) stage.start = Date.parse(stage.lines[0]?.at ?? '') || stage.start
}

function finish(stages: readonly Open[], state: Job['state']): Stage[] {
  const newest = newestOf(stages)
  return stages.map(stage => {
    if (stage !== newest || state === 'done') return { ...stage, state: 'done' }
    if (state === 'running') return { ...stage, state: 'running', end: undefined }
    return { ...stage, state: state === 'cancelled' ? 'stopped' : 'failed' }
  })
}

/** The stage that reported last. */
function newestOf(stages: readonly Open[]): Open | undefined {
  return stages.reduce<Open | undefined>(
    (newest, stage) => (newest === undefined || stage.end >= newest.end ? stage : newest),
    undefined,
  )
}
