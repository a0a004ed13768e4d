import { Button, Group } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useCallback } from 'react'
import { useAct } from '#acts/use-act.ts'
import { listSourcesQueryKey } from '#api/generated/@tanstack/react-query.gen.ts'
import { checkSource, createBackup } from '#api/generated/sdk.gen.ts'
import type { Source } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { useMay } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** What a person may do with a source. One that no serve backs up says so beside it. */
export function SourceActs({ source: { name, is_usable, serves } }: { source: Source }) {
  const { sources } = useWords()
  const mayBackUp = useMay('backup') && is_usable && serves > 0
  const mayCheck = useMay('admin')
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const check = useAct(
    useCallback(async () => {
      await checkSource({ path: { name } })
      await queryClient.invalidateQueries({ queryKey: listSourcesQueryKey() })
    }, [name, queryClient]),
    sources.checked,
  )
  const backUp = useAct(
    useCallback(async () => {
      const { data } = await createBackup({ body: { source: name } })
      await navigate({ to: '/jobs/$id', params: { id: data.job_id } })
    }, [name, navigate]),
  )
  return (
    <Group gap="xs">
      {mayBackUp ? (
        <Button
          size="compact-sm"
          variant="default"
          loading={backUp.isRunning}
          onClick={() => void backUp.run()}
          aria-label={sources.backUpLabel(visibleText(name))}
        >
          {sources.backUp}
        </Button>
      ) : null}
      {mayCheck ? (
        <Button
          size="compact-sm"
          variant="default"
          loading={check.isRunning}
          onClick={() => void check.run()}
          aria-label={sources.checkLabel(visibleText(name))}
        >
          {sources.check}
        </Button>
      ) : null}
    </Group>
  )
}
