import { Group, Stack, Text, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useAct } from '#acts/use-act.ts'
import { getOverviewQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { muteAlert } from '#api/generated/sdk.gen.ts'
import type { Alert } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { useNow } from '#format/now.ts'
import { MuteButtons } from '#screens/overview/mute-buttons.tsx'
import styles from '#screens/overview/overview.module.css'
import { ServerText } from '#screens/overview/reason.tsx'
import { reasonWords } from '#screens/overview/reason-words.ts'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** What is wrong now, as the watch found it; the notices about each can be muted. */
export function AlertList({ alerts: open }: { alerts: readonly Alert[] }) {
  const { alerts } = useWords()
  return (
    <Stack gap="xs">
      <Title order={2} size="h4" id="open-alerts">
        {alerts.title}
      </Title>
      {open.length === 0 ? (
        <Text size="sm" c="dimmed">
          {alerts.none}
        </Text>
      ) : (
        <ul className={styles.list} aria-labelledby="open-alerts">
          {open.map(alert => (
            <li key={alert.id}>
              <OpenAlert alert={alert} />
            </li>
          ))}
        </ul>
      )}
    </Stack>
  )
}

function OpenAlert({ alert }: { alert: Alert }) {
  const words = useWords()
  const { alerts } = words
  const format = useFormat()
  const now = useNow()
  const mayMute = useMay('backup')
  const queryClient = useQueryClient()
  const { id, kind, text, since, muted_until } = alert
  const work = useCallback(
    async (minutes: number) => {
      await muteAlert({ path: { id }, body: { minutes } })
      await queryClient.invalidateQueries({ queryKey: getOverviewQueryKey() })
    },
    [id, queryClient],
  )
  const { run, isRunning } = useAct(work, muted_until === null ? alerts.muted : alerts.unmuted)
  const title = reasonWords(kind, words)?.title
  return (
    <Group justify="space-between" align="flex-start" gap="md">
      <div className={styles.alert}>
        <Text size="sm" component="div">
          <ServerText title={title} text={text} />
        </Text>
        <Text size="xs" c="dimmed">
          {alerts.lasting(format.seconds((now - Date.parse(since)) / 1_000))}
          {muted_until === null ? '' : ` · ${alerts.mutedUntil(format.time(muted_until))}`}
        </Text>
      </div>
      {mayMute ? (
        <MuteButtons
          about={title ?? kind}
          isMuted={muted_until !== null}
          isRunning={isRunning}
          mute={minutes => void run(minutes)}
        />
      ) : null}
    </Group>
  )
}
