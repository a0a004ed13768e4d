import { Button, Group, Text } from '@mantine/core'
import { useWords } from '#words/language.tsx'

const HOURS = [1, 8, 24]

/** Holds back the notices about an alert for some hours, or no longer. `about`: what the alert is about. */
export function MuteButtons({
  about,
  isMuted,
  isRunning,
  mute,
}: {
  about: string
  isMuted: boolean
  isRunning: boolean
  mute: (minutes: number) => void
}) {
  const { alerts } = useWords()
  if (isMuted) {
    return (
      <Button size="compact-xs" variant="default" disabled={isRunning} onClick={() => mute(0)}>
        {alerts.unmute}
      </Button>
    )
  }
  return (
    <Group gap={6} wrap="nowrap">
      <Text size="xs" c="dimmed" title={alerts.muteHint}>
        {alerts.mute}
      </Text>
      {HOURS.map(hours => (
        <Button
          key={hours}
          size="compact-xs"
          variant="default"
          disabled={isRunning}
          onClick={() => mute(hours * 60)}
          aria-label={alerts.muteForLong(hours, about)}
          title={alerts.muteHint}
        >
          {alerts.muteFor(hours)}
        </Button>
      ))}
    </Group>
  )
}
