import { Alert, Group, Stack, Text } from '@mantine/core'
import type { Overview } from '#api/generated/types.gen.ts'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { useLiveState } from '#live/live-state.tsx'
import styles from '#screens/overview/overview.module.css'
import { ReasonText } from '#screens/overview/reason.tsx'
import { sentenceOf } from '#screens/overview/sentence.ts'
import { STATE_ICONS } from '#screens/overview/state-mark.tsx'
import { lookOf } from '#shell/word-of.ts'
import { useLanguage } from '#words/language.tsx'

/** Whether everything can be restored, in a sentence, and as of when. */
export function Headline({ overview, readAt }: { overview: Overview; readAt: Date }) {
  const { words } = useLanguage()
  const format = useFormat()
  const live = useLiveState()
  const isStale = live === 'interrupted'
  const Icon = lookOf(STATE_ICONS, overview.state, STATE_ICONS.attention)
  const time = format.time(isStale ? readAt : overview.as_of)
  return (
    <Stack gap="xs">
      {isStale ? (
        <Alert color="orange" variant="light" title={words.overview.stale}>
          {words.overview.staleText(time)}
        </Alert>
      ) : null}
      <Group
        className={styles.headline}
        data-state={overview.state}
        data-stale={isStale || undefined}
        gap="sm"
        wrap="nowrap"
        align="flex-start"
      >
        <Icon size={28} aria-hidden className={styles.state} />
        <Text component="p" role="status" fw={600} size="lg" m={0} className={styles.sentence}>
          <PlainText>{sentenceOf(overview, words, format)}</PlainText>
        </Text>
      </Group>
      <Text size="xs" c="dimmed">
        {live === 'live' ? words.overview.upToDate(time) : words.overview.asOf(time)}
      </Text>
      {overview.reasons.length === 0 ? null : (
        <ul className={styles.reasons}>
          {overview.reasons.map(reason => (
            <li key={reason.code}>
              <ReasonText reason={reason} />
            </li>
          ))}
        </ul>
      )}
    </Stack>
  )
}
