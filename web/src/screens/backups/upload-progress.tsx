import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useFormat } from '#format/format.ts'
import { PlainText } from '#format/plain-text.tsx'
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
  const speed = useSpeed(sent)
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
        {speed === undefined || isAllSent ? null : <Text size="sm">{words.speed(format.bytes(speed))}</Text>}
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

/** How much of the past the speed is measured over. */
const OVER_MS = 5_000

/** Bytes a second, of the last seconds. */
function useSpeed(sent: number): number | undefined {
  const seen = useRef<{ at: number; sent: number }[]>([])
  const [speed, setSpeed] = useState<number>()
  useEffect(() => {
    const now = performance.now()
    seen.current = [...seen.current.filter(({ at }) => now - at < OVER_MS), { at: now, sent }]
    const first = seen.current[0]
    if (first !== undefined && now - first.at > 500)
      setSpeed(((sent - first.sent) / (now - first.at)) * 1_000)
  }, [sent])
  return speed
}
