import { expect, test } from 'vitest'
import type { LogLine } from '#screens/job/job-log.ts'
import { logText } from '#screens/job/job-log.ts'
import { stagesOf } from '#screens/job/job-stages.ts'

const NOTHING_DONE = { bytes_done: 0, bytes_total: null, parts_done: 0 }
const line = (second: number, stage: string, text = 'x', level: LogLine['level'] = 'info'): LogLine => ({
  at: new Date(second * 1_000).toISOString(),
  stage,
  level,
  text,
})
const seconds = (stages: ReturnType<typeof stagesOf>) =>
  stages.map(({ name, state, start, end }) => [
    name,
    state,
    end === undefined ? undefined : (end - start) / 1_000,
  ])

test('a stage that reports at its end took the time since the stage before it', () => {
  const lines = [line(0, 'prepare'), line(3, 'read'), line(107, 'send'), line(108, 'record')]
  const stages = stagesOf(lines, { kind: 'backup', state: 'done', progress: NOTHING_DONE })
  expect(seconds(stages)).toEqual([
    ['prepare', 'done', 0],
    ['read', 'done', 3],
    ['send', 'done', 104],
    ['record', 'done', 1],
  ])
})

test('fetching and restoring at the same time overlap', () => {
  const lines = [
    ...[line(0, 'prepare'), line(1, 'fetch'), line(1, 'restore')],
    ...[line(9, 'fetch'), line(10, 'restore')],
  ]
  const stages = stagesOf(lines, { kind: 'restore', state: 'done', progress: NOTHING_DONE })
  expect(seconds(stages)).toEqual([
    ['prepare', 'done', 0],
    ['fetch', 'done', 9],
    ['restore', 'done', 9],
  ])
})

test('the stages of a drill last until the next one begins', () => {
  const lines = [line(0, 'fetch'), line(5, 'restore'), line(25, 'compare'), line(29, 'compare')]
  const stages = stagesOf(lines, { kind: 'drill', state: 'done', progress: NOTHING_DONE })
  expect(seconds(stages)).toEqual([
    ['fetch', 'done', 5],
    ['restore', 'done', 20],
    ['compare', 'done', 4],
  ])
})

test('each attempt has its own stages, and those of the past ended with a failure', () => {
  const lines = [
    ...[line(0, 'prepare'), line(1, 'before', 'exit code 3', 'error')],
    ...[line(31, 'prepare', 'Attempt 2'), line(31, 'prepare'), line(32, 'before')],
  ]
  const stages = stagesOf(lines, { kind: 'backup', state: 'running', progress: NOTHING_DONE })
  expect(stages.map(({ attempt, name, state }) => [attempt, name, state])).toEqual([
    [1, 'prepare', 'done'],
    [1, 'before', 'failed'],
    [2, 'prepare', 'done'],
    [2, 'before', 'running'],
  ])
  expect(stages.at(-1)?.end).toBeUndefined()
})

test('a backup that sends is in the stage of sending before that has a line', () => {
  const lines = [line(0, 'prepare'), line(1, 'read')]
  const job = { kind: 'backup', state: 'running' } as const
  expect(stagesOf(lines, { ...job, progress: NOTHING_DONE }).at(-1)?.name).toBe('read')
  const sending = stagesOf(lines, { ...job, progress: { ...NOTHING_DONE, bytes_done: 1 } })
  expect(sending.at(-1)).toMatchObject({ name: 'send', state: 'running', lines: [], start: 1_000 })
})

test('a cancelled job stopped in its last stage', () => {
  const stages = stagesOf([line(0, 'prepare'), line(1, 'read')], {
    ...{ kind: 'backup', state: 'cancelled', progress: NOTHING_DONE },
  })
  expect(stages.map(({ state }) => state)).toEqual(['done', 'stopped'])
})

test('the log as a file has one line for each', () => {
  expect(logText([line(0, 'read', 'a'), line(1, 'send', 'b\u001b[31m', 'warn')])).toBe(
    '1970-01-01T00:00:00.000Z read info a\n1970-01-01T00:00:01.000Z send warn b\\u{1b}[31m\n',
  )
})
