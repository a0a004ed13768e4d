import { Button, Group, Text } from '@mantine/core'
import { useCallback } from 'react'
import { useAct } from '#acts/use-act.ts'
import { createBackup, verifyBackup } from '#api/generated/sdk.gen.ts'
import type { Source, SourceOverview } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import styles from '#screens/overview/overview.module.css'
import { nameIdOf, nameOf } from '#screens/overview/source-name.ts'
import { ButtonLink } from '#shell/links.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** What a person may do with a source. `isKnown`: it is known which sources a serve has in its file. */
export function SourceActs({
  source,
  configured,
  isKnown,
}: {
  source: SourceOverview
  configured: Source | undefined
  isKnown: boolean
}) {
  const { overview } = useWords()
  const [mayBackUp, mayRestore] = [useMay('backup'), useMay('restore')]
  const { source: name, last_good: good } = source
  const isServed = (configured?.serves ?? 0) > 0
  return (
    <Group gap={6} className={styles.acts}>
      {mayBackUp && name !== null && (isServed || !isKnown) ? (
        <BackUpNow source={source} name={name} />
      ) : null}
      {mayBackUp && name !== null && isKnown && !isServed ? (
        <Text size="xs" c="dimmed">
          {overview.noServe}
        </Text>
      ) : null}
      {mayRestore && good !== null ? (
        <>
          <ButtonLink
            to="/backups/$id/restore"
            params={{ id: good.id }}
            size="compact-sm"
            variant="default"
            aria-describedby={nameIdOf(source)}
          >
            {overview.restore}
          </ButtonLink>
          <Verify source={source} id={good.id} />
        </>
      ) : null}
    </Group>
  )
}

function BackUpNow({ source, name }: { source: SourceOverview; name: string }) {
  const { overview } = useWords()
  const work = useCallback(() => createBackup({ body: { source: name } }), [name])
  const { run, isRunning } = useAct(work, overview.backupBegun(visibleText(name)))
  return (
    <Button
      size="compact-sm"
      loading={isRunning}
      onClick={() => void run()}
      aria-describedby={nameIdOf(source)}
    >
      {overview.backUpNow}
    </Button>
  )
}

function Verify({ source, id }: { source: SourceOverview; id: string }) {
  const words = useWords()
  const work = useCallback(() => verifyBackup({ path: { id }, body: { read_data: true } }), [id])
  const { run, isRunning } = useAct(work, words.overview.verifyBegun(visibleText(nameOf(source, words))))
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={isRunning}
      onClick={() => void run()}
      title={words.overview.verifyHint}
      aria-describedby={nameIdOf(source)}
    >
      {words.overview.verify}
    </Button>
  )
}
