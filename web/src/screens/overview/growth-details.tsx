import { Title } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import styles from '#screens/overview/overview.module.css'
import { Loading } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

const Growth = lazy(async () => ({ default: (await import('#screens/overview/growth.tsx')).Growth }))

/** How the vault grew; asked for, and drawn, when somebody opens it. */
export function GrowthDetails() {
  const { charts } = useWords()
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary className={styles.summary}>
        <Title order={2} size="h4" component="span">
          {charts.growth}
        </Title>
      </summary>
      {isOpen ? (
        <Suspense fallback={<Loading />}>
          <Growth />
        </Suspense>
      ) : null}
    </details>
  )
}
