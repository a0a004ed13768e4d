import { Title } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { STEPS, type Step } from '#screens/restore/restore-search.ts'
import styles from '#screens/restore/step-trail.module.css'
import { useWords } from '#words/language.tsx'

/** All steps, and which one it is. */
export function StepTrail({ step }: { step: Step }) {
  const { restore } = useWords()
  return (
    <ol className={styles.trail} aria-label={restore.steps}>
      {STEPS.map(one => (
        <li key={one} aria-current={one === step ? 'step' : undefined}>
          {restore.names[one]}
        </li>
      ))}
    </ol>
  )
}

/** The heading of a step. It takes the focus, so that a reader says where the person is now. */
export function StepHeading({ step }: { step: Step }) {
  const { restore } = useWords()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <Title order={2} size="h3" ref={heading} tabIndex={-1} className={styles.heading}>
      {restore.step(STEPS.indexOf(step) + 1, STEPS.length, restore.names[step])}
    </Title>
  )
}
