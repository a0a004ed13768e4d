import { Group, Stack, Text } from '@mantine/core'
import CircleCheck from 'lucide-react/icons/circle-check'
import CircleX from 'lucide-react/icons/circle-x'
import TriangleAlert from 'lucide-react/icons/triangle-alert'
import type { SourceCheck } from '#api/generated/types.gen.ts'
import { PlainText } from '#format/plain-text.tsx'
import { Time } from '#format/time.tsx'
import { HintText } from '#shell/hint.tsx'
import { lookOf, wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const SIGNS = {
  ok: { Icon: CircleCheck, color: 'teal' },
  warning: { Icon: TriangleAlert, color: 'orange' },
  failed: { Icon: CircleX, color: 'red' },
}

/** What the last check of a source found. `isShort`: without its words. */
export function CheckResult({ check, isShort = false }: { check: SourceCheck | null; isShort?: boolean }) {
  const { sources } = useWords()
  if (check === null)
    return (
      <Text size="sm" c="dimmed">
        {sources.neverChecked}
      </Text>
    )
  const { Icon, color } = lookOf(SIGNS, check.state, SIGNS.warning)
  return (
    <Stack gap={2}>
      <Group gap={6} wrap="nowrap">
        <Icon size={16} aria-hidden color={`var(--mantine-color-${color}-text)`} />
        <span>{wordOf(sources.checkStates, check.state)}</span>
        <Text size="xs" c="dimmed" span>
          <Time at={check.checked_at} isRelative />
        </Text>
      </Group>
      {isShort ? null : (
        <>
          <Text size="sm">
            {check.message === null && check.state !== 'ok' ? (
              sources.hiddenFinding
            ) : check.message === null ? null : (
              <PlainText>{check.message}</PlainText>
            )}
          </Text>
          <HintText hint={check.hint} />
        </>
      )}
    </Stack>
  )
}
