import { Box, Button, Text } from '@mantine/core'
import { useLayoutEffect, useRef, useState } from 'react'
import { useFormat } from '#format/format.ts'
import { visibleText } from '#format/plain-text.tsx'
import type { Stage } from '#screens/job/job-stages.ts'
import styles from '#screens/job/stage-lines.module.css'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

/** More are in the log that can be downloaded: a browser does not stay quick with all of them. */
const MOST_LINES = 1_000
/** Closer to the end than this counts as the end, in pixels. */
const NEAR = 24

/** The lines of a stage. It follows its end until the person scrolls up. */
export function StageLines({ stage }: { stage: Stage }) {
  const { job } = useWords()
  const format = useFormat()
  const box = useRef<HTMLDivElement>(null)
  const [isFollowing, setFollowing] = useState(true)
  const { lines, state, name } = stage
  const shown = lines.slice(-MOST_LINES)
  const isRunning = state === 'running'
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line moves the end.
  useLayoutEffect(() => {
    if (isRunning && isFollowing) toEnd(box.current)
  }, [lines.length, isRunning, isFollowing])
  if (lines.length === 0) return <Text size="sm">{job.noLinesYet}</Text>
  return (
    <Box pos="relative">
      <div
        ref={box}
        className={styles.lines}
        role="log"
        aria-label={job.logOf(wordOf(job.stages, name))}
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
        tabIndex={0}
        onScroll={({ currentTarget }) => setFollowing(isAtEnd(currentTarget))}
      >
        {shown.length < lines.length ? (
          <p className={styles.more}>{job.earlier(lines.length - shown.length)}</p>
        ) : null}
        {shown.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no id, and never move.
          <div key={lines.length - shown.length + index} className={styles.line} data-level={line.level}>
            <time dateTime={line.at}>{format.exactTime(line.at)}</time>
            <span className={styles.text}>
              {job.levels[line.level] === '' ? null : <strong>{job.levels[line.level]}: </strong>}
              <bdi>{visibleText(line.text, true)}</bdi>
            </span>
          </div>
        ))}
      </div>
      {isRunning && !isFollowing ? (
        <Button
          className={styles.toEnd}
          size="compact-sm"
          onClick={() => {
            setFollowing(true)
            toEnd(box.current)
          }}
        >
          {job.toTheEnd}
        </Button>
      ) : null}
    </Box>
  )
}

function isAtEnd({ scrollTop, clientHeight, scrollHeight }: HTMLElement): boolean {
  return scrollTop + clientHeight >= scrollHeight - NEAR
}

function toEnd(element: HTMLElement | null): void {
  element?.scrollTo({ top: element.scrollHeight })
}
