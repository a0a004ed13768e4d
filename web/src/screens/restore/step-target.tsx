import { Alert, Button, Code, Group, Radio, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { listTargetsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import type { BackupDetails, Target } from '#api/generated/types.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { restoreCommand } from '#screens/restore/same-act.ts'
import { StepHeading } from '#screens/restore/step-trail.tsx'
import { CopyText } from '#shell/copy-text.tsx'
import { Loading, QueryView } from '#shell/states.tsx'
import { useWords } from '#words/language.tsx'

const EXAMPLE = `targets:
  rehearsal:
    postgres: postgresql://backup@db.internal/rehearsal`

/** Kinds that are restored only into a target of the same kind; any other may be a dump. */
const ONLY_INTO_THEIR_OWN: ReadonlySet<string> = new Set(['directory', 'postgres'])

/** The person chooses where to. */
export function StepTarget({ backup: found }: { backup: BackupDetails }) {
  const query = useQuery(listTargetsOptions())
  // The heading takes the focus when what follows it is there: the next key goes on from it.
  if (query.isPending) return <Loading />
  return (
    <Stack>
      <StepHeading step="target" />
      <QueryView query={query}>
        {({ items }) =>
          items.length === 0 ? <NoTarget id={found.id} /> : <Targets backup={found} targets={items} />
        }
      </QueryView>
    </Stack>
  )
}

function NoTarget({ id }: { id: string }) {
  const { restore } = useWords()
  const { target: words } = restore
  return (
    <Alert variant="light" color="yellow" title={words.none}>
      <Stack gap="xs">
        <Text size="sm">{words.noneHint}</Text>
        <Code block>{EXAMPLE}</Code>
        <Text size="sm">{words.noneCommand}</Text>
        <Command id={id} />
      </Stack>
    </Alert>
  )
}

function Targets({ backup: found, targets }: { backup: BackupDetails; targets: readonly Target[] }) {
  const { restore } = useWords()
  const { target: words } = restore
  const navigate = useNavigate({ from: '/backups/$id/restore' })
  const kind = kindOf(found)
  const isOther = (target: Target): boolean =>
    kind !== undefined && target.kind !== null && ONLY_INTO_THEIR_OWN.has(kind) && target.kind !== kind
  const sorted = targets.toSorted((one, other) => Number(isOther(one)) - Number(isOther(other)))
  const [chosen, setChosen] = useState(targets.length === 1 ? (targets[0]?.name ?? '') : '')
  const [isAsked, setAsked] = useState(false)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setAsked(true)
    if (chosen !== '') void navigate({ search: { target: chosen } })
  }
  const describe = (target: Target): string =>
    [
      words.kind(visibleText(target.kind ?? '–')),
      target.project_id === null ? words.anyProject : words.project(visibleText(target.project_id)),
      ...(isOther(target) ? [words.otherKind(kind ?? '', visibleText(target.kind ?? ''))] : []),
    ].join(' · ')
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text>{words.intro}</Text>
        {targets.every(isOther) ? (
          <Alert variant="light" color="yellow">
            <Stack gap="xs">
              <Text size="sm">{words.onlyCommand}</Text>
              <Command id={found.id} />
            </Stack>
          </Alert>
        ) : null}
        <Radio.Group
          label={words.choose}
          value={chosen}
          onChange={setChosen}
          error={isAsked && chosen === '' ? words.choice : undefined}
          required
        >
          <Stack gap="sm" my="xs">
            {sorted.map(target => (
              <Radio
                key={target.name}
                value={target.name}
                label={<bdi>{visibleText(target.name)}</bdi>}
                description={describe(target)}
              />
            ))}
          </Stack>
        </Radio.Group>
        <Group>
          <Button type="submit">{restore.next}</Button>
        </Group>
      </Stack>
    </form>
  )
}

function Command({ id }: { id: string }) {
  const { restore } = useWords()
  const { copy, copied, command } = restore.confirm
  return (
    <CopyText
      text={restoreCommand(id, { to: './restored', overwrite: false })}
      copy={copy}
      copied={copied}
      label={command}
    />
  )
}

/** The kind of its source, as it was recorded. */
function kindOf({ source }: BackupDetails): string | undefined {
  if (typeof source !== 'object' || source === null || !('kind' in source)) return undefined
  return typeof source.kind === 'string' ? source.kind : undefined
}
