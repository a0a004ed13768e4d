import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
import { usePace } from '#live/use-pace.ts'
import { useWords } from '#words/language.tsx'

/** How far an upload is. The last bytes are with the server before the chat has confirmed them. */
export function UploadProgress({
  name,
  sent,
  total,
  onCancel,
}: {
  name: string
  /** Bytes. */
  sent: number
  total: number
  onCancel: () => void
}) {
  const { backups } = useWords()
  const words = backups.upload
  const format = useFormat()
  const speed = usePace(sent, total)?.bytesPerSecond ?? 0
  const isAllSent = total > 0 && sent >= total
  return (
    <Stack>
      <Text fw={600}>
        <PlainText>{name}</PlainText>
      </Text>
      <Progress
        value={total === 0 ? 0 : Math.min(100, (sent / total) * 100)}
        animated={isAllSent}
        aria-label={name}
      />
      <Group justify="space-between">
        <Text size="sm">{words.progress(format.bytes(Math.min(sent, total)), format.bytes(total))}</Text>
        {speed === 0 || isAllSent ? null : <Text size="sm">{format.speed(speed)}</Text>}
      </Group>
      <Text size="sm" role="status">
        {isAllSent ? words.confirming : words.stay}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onCancel}>
          {words.cancel}
        </Button>
      </Group>
    </Stack>
  )
}
